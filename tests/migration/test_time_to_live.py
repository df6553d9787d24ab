"""Time to live at the source, and at both ends: what expires at the source goes at the destination too."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from ddb_migration_construct.rehearsal.deployment import deploy
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from tests.migration.apps import STACK, synthesise
from tests.migration.trial import Trial

ATTRIBUTE = "expires"
# The embedded AWS's time to live looks once a minute.
REAPED_WITHIN_SECONDS = 150
LONG_AGO, NEVER = 1, 4_000_000_000


def fill(trial: Trial, prefix: str, moment: int) -> None:
    """Write twenty items that expire at a moment (epoch seconds)."""
    for number in range(20):
        item = {"pk": {"S": f"{prefix}{number}"}, ATTRIBUTE: {"N": str(moment)}}
        trial.dynamodb.put_item(TableName=trial.source, Item=item)


def keys(trial: Trial, table: str, prefix: str) -> set[str]:
    return {key for key in trial.items(table) if key.startswith(prefix)}


def removals(trial: Trial) -> list[dict[str, Any]]:
    """Return the deletions on the source's stream whose author is the service."""
    streams = trial.aws.client("dynamodbstreams")
    arn = trial.dynamodb.describe_table(TableName=trial.source)["Table"]["LatestStreamArn"]
    found = []
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        place = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator = streams.get_shard_iterator(**place)["ShardIterator"]
        while iterator and (page := streams.get_records(ShardIterator=iterator))["Records"]:
            found += [one for one in page["Records"] if one.get("userIdentity", {}).get("Type") == "Service"]
            iterator = page.get("NextShardIterator")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("at_both_ends", [False, True])
def test_what_expires_at_the_source_goes_at_the_destination(
    aws: EmbeddedAws, assembly: Path, at_both_ends: bool
) -> None:
    accepted = ["destination-time-to-live"] if at_both_ends else []
    trial = Trial(aws, deploy(aws, synthesise(assembly, accepted_findings=accepted), STACK))
    for table in [trial.source, *([trial.destination] if at_both_ends else [])]:
        specification = {"Enabled": True, "AttributeName": ATTRIBUTE}
        trial.dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=specification)
    trial.fill(100)
    fill(trial, "late", NEVER)
    # Expired, and still there: the bulk load copies them, and they go at the source when the load is long done.
    fill(trial, "gone", LONG_AGO)
    with trial.writers(per_second=10):
        trial.run()
        fill(trial, "soon", int(time.time()) + 1)
        limit = time.monotonic() + REAPED_WITHIN_SECONDS
        while keys(trial, trial.source, "gone") | keys(trial, trial.source, "soon"):
            assert time.monotonic() < limit, "time to live has deleted nothing"
            time.sleep(1)
    trial.require_equal()
    assert len(removals(trial)) >= 40
    assert not keys(trial, trial.destination, "gone") | keys(trial, trial.destination, "soon")
    assert len(keys(trial, trial.destination, "late")) == 20


@pytest.mark.slow
def test_a_destination_that_expires_items_must_be_accepted_by_name(aws: EmbeddedAws, assembly: Path) -> None:
    trial = Trial(aws, deploy(aws, synthesise(assembly), STACK))
    specification = {"Enabled": True, "AttributeName": ATTRIBUTE}
    trial.dynamodb.update_time_to_live(TableName=trial.destination, TimeToLiveSpecification=specification)
    found = trial.finish(trial.start())
    assert found["status"] == "FAILED"
    assert "time-to-live-differs" in found["cause"]
