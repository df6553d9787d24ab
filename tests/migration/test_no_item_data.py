"""No item data in logs, errors or metrics: a marker goes through every path, and is looked for wherever text goes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ddb_migration_construct.cli.control_table import UNFENCED
from ddb_migration_construct.cli.failures import CommandFailed
from ddb_migration_construct.cli.reread import send_rereads
from ddb_migration_construct.cli.switching import Order, Switches
from ddb_migration_construct.cli.ways import THERE
from ddb_migration_construct.rehearsal.deployment import deploy
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from tests.migration.apps import STACK, synthesise
from tests.migration.trial import Trial

# In a key, and in values of every type that holds text or bytes; as text, as base64 and in capitals it reads so.
MARKER = "Marker7C0FFEE7"
ENCODED = "TWFya2VyN0MwRkZFRT"
KEYS = 40
FUNCTIONS = ("SetupCheck", "StreamProcessor", "EnableTrigger", "WriteCdc", "Reread", "CutOver")


def marked(key: int, version: int = 0) -> dict[str, Any]:
    """An item that holds the marker in its key and wherever a value may hold it; every tenth is large."""
    text = f"{MARKER}-{version}"
    return {
        "pk": {"S": f"{MARKER}#{key}"},
        "text": {"S": text * (20_000 if key % 10 == 0 else 1)},
        "bytes": {"B": text.encode()},
        "strings": {"SS": [text]},
        "binaries": {"BS": [text.encode()]},
        "list": {"L": [{"S": text}, {"M": {MARKER: {"S": text}}}]},
        MARKER: {"S": "a name is data too"},
    }


def write(trial: Trial, version: int) -> None:
    for key in range(KEYS):
        trial.dynamodb.put_item(TableName=trial.source, Item=marked(key, version))


def migrate(aws: EmbeddedAws, assembly: Path) -> Trial:
    """Take marked items through bulk load, capture, apply, rereads, verify, repair and cut-over, with many faults."""
    trial = Trial(aws, deploy(aws, assembly, STACK))
    write(trial, 0)
    execution = trial.start()
    trial.until(execution, "Settle")
    write(trial, 1)
    trial.dynamodb.delete_item(TableName=trial.source, Key={"pk": {"S": f"{MARKER}#3"}})
    trial.until(execution, "VerifyJob", at_most_seconds=400)
    # A difference, for VerifyJob to find and for Repair to have read again.
    trial.dynamodb.put_item(TableName=trial.destination, Item=marked(5, 9))
    trial.finish(execution, at_most_seconds=400)
    send_rereads(aws.client("lambda"), trial.migration, [{"pk": {"S": f"{MARKER}#{key}"}} for key in range(5)])
    trial.require_equal()
    cut_over(trial)
    assert {"VerifyJob", "Repair", "CutOver"} <= set(trial.states(execution))
    return trial


def cut_over(trial: Trial) -> None:
    """Cut over on the operator's word; turning back, which many faults may lead to, is a path too."""
    order = Switches(trial.stepfunctions, trial.dynamodb, THERE, Order(UNFENCED)).order([trial.migration])
    with contextlib.suppress(CommandFailed):
        order.result(trial.migration)


def texts(aws: EmbeddedAws, trial: Trial) -> Iterator[tuple[str, str]]:
    """Yield everything that people read, with where it is: logs, of which metrics are lines, and histories."""
    logs = aws.client("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
        for page in pages:
            for event in page["events"]:
                yield f"{group['logGroupName']} {event['logStreamName']}", event["message"]
    for run in aws.work_dir.glob("glue/*/run.log"):
        yield "Glue", run.read_text(errors="replace")
    machine = trial.migration.state_machine_arn
    for execution in trial.stepfunctions.list_executions(stateMachineArn=machine)["executions"]:
        events = trial.stepfunctions.get_execution_history(executionArn=execution["executionArn"], maxResults=1000)
        yield "execution", str(events["events"])


def found_in(aws: EmbeddedAws, trial: Trial) -> tuple[set[str], int]:
    """Return where the marker was found, and how many texts were looked at."""
    found, looked = set(), 0
    for where, text in texts(aws, trial):
        looked += 1
        if MARKER.lower() in text.lower() or ENCODED in text:
            found.add(where)
    return found, looked


def nothing(assembly: Path) -> None:
    """Leave the assembly as it is."""


def plant_a_log_line(assembly: Path) -> None:
    """Let WriteCdc print what it is called with, as one does to find a fault, and forgets."""
    (handler,) = assembly.glob("asset.*/write_cdc/handler.py")
    text = handler.read_text()
    signature = next(row for row in text.splitlines() if row.startswith("def handler("))
    handler.write_text(text.replace(signature, f"{signature}\n    print(event)", 1))


@pytest.mark.slow
@pytest.mark.parametrize(("change", "is_found"), [(nothing, False), (plant_a_log_line, True)])
def test_a_marker_is_in_no_text(tmp_path: Path, change: Callable[[Path], None], is_found: bool) -> None:
    assembly = synthesise(tmp_path / "assembly")
    change(assembly)
    with EmbeddedAws(tmp_path / "aws", faults="heavy", fault_seed=3) as aws:
        trial = migrate(aws, assembly)
        found, looked = found_in(aws, trial)
    assert looked > len(FUNCTIONS)
    assert bool(found) == is_found, found
