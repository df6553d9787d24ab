"""The item that holds all ten attribute types, as DynamoDB itself exported it, arrives byte for byte."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Size

from ddb_migration_construct.rehearsal.deployment import deploy
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from ddb_migration_construct.rehearsal.given_items import read_given_items
from ddb_migration_construct.rehearsal.hostile_values import TYPES
from ddb_migration_construct.rehearsal.key_shape import KeyShape
from tests.migration.apps import STACK, synthesise
from tests.migration.trial import READY, Trial

EXPORT = Path(__file__).resolve().parents[1] / "data" / "real-export"


def written(item: Mapping[str, Any]) -> bytes:
    """Return the item as it is written in an export; sets keep their order, numbers their digits."""
    text = json.dumps(item, sort_keys=True, default=lambda content: base64.b64encode(content).decode())
    return text.encode()


@pytest.mark.slow
@pytest.mark.parametrize("gibibytes", [80, 0], ids=["direct", "large"])
def test_all_ten_types_arrive_byte_equal(aws: EmbeddedAws, assembly: Path, gibibytes: int) -> None:
    trial = Trial(aws, deploy(aws, synthesise(assembly, size_threshold=Size.gibibytes(gibibytes)), STACK))
    given = read_given_items(EXPORT, KeyShape.parse("id:S"))
    assert {kind for item in given for value in item.values() for kind in value} == set(TYPES)
    copied = [{**item, "pk": {"S": f"copied {item['id']['S']}"}} for item in given]
    captured = [{**item, "pk": {"S": f"captured {item['id']['S']}"}} for item in given]
    for item in copied:
        trial.dynamodb.put_item(TableName=trial.source, Item=item)
    execution = trial.start()
    trial.until(execution, "EnableTrigger")
    for item in captured:
        trial.dynamodb.put_item(TableName=trial.source, Item=item)
    assert trial.finish(execution)["status"] == READY
    trial.settle()
    arrived = trial.items(trial.destination)
    assert [written(arrived[item["pk"]["S"]]) for item in [*copied, *captured]] == list(
        map(written, [*copied, *captured])
    )
