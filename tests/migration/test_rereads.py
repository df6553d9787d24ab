"""Rereads by an operator, on a deployed migration whose roles are enforced."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ddb_migration.aws.rows import Rows
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core.change import PUT, Change
from ddb_migration.core.message import encode
from ddb_migration_construct.cli.accept import accept_key
from ddb_migration_construct.cli.reading import Reader
from ddb_migration_construct.cli.reread import redrive, send_rereads
from ddb_migration_construct.rehearsal.deployment import deploy
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from tests.migration.apps import STACK, synthesise
from tests.migration.trial import Trial


@pytest.mark.slow
def test_rereads_repair_redrive_and_parked_keys_are_settled(aws: EmbeddedAws, assembly: Path) -> None:
    trial = Trial(aws, deploy(aws, synthesise(assembly), STACK))
    trial.fill(60)
    trial.run()
    functions, sqs, migration = aws.client("lambda"), aws.client("sqs"), trial.migration
    epoch, stream = trial.record()["epoch"], trial.record()["stream_arn"]

    for damaged in ("k1", "k2"):
        trial.dynamodb.delete_item(TableName=trial.destination, Key={"pk": {"S": damaged}})
    trial.dynamodb.put_item(TableName=trial.destination, Item={"pk": {"S": "k0"}})
    assert send_rereads(functions, migration, [{"pk": {"S": "k0"}}, {"pk": {"S": "k1"}}]) == 2

    lost = Change("1" * 30, PUT, {"pk": {"S": "k2"}}, {"pk": {"S": "k2"}, "stale": {"S": "yes"}}, time.time())
    letter = {"MessageGroupId": "any", "MessageDeduplicationId": "one", "MessageBody": encode(epoch, lost)}
    sqs.send_message(QueueUrl=migration.dead_letter_queue, **letter)
    assert redrive(functions, migration).sent == 1

    rows = Rows(trial.dynamodb, migration.control_table)
    Watermarks(rows, stream, time.time).park({"pk": {"S": "k3"}}, epoch, "shown to be accepted")
    accept_key(functions, migration, {"pk": {"S": "k3"}}, "nobody needs it", "arn:ann")
    found = Reader(trial.stepfunctions, trial.dynamodb, sqs).read(migration)
    assert (dict(found.parked), found.accepted, found.dead_letters) == ({}, 1, 0)
    trial.require_equal()
