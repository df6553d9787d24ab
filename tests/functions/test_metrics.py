"""What the functions tell CloudWatch, and that it is never anything of an item."""

from __future__ import annotations

from typing import Any

import pytest

from ddb_migration import names
from ddb_migration.aws.metrics import Metrics
from ddb_migration.core.change import PUT
from ddb_migration.core.cut_over_order import FENCED, CutOverOrder
from enable_trigger import drain
from tests.fakes.client_errors import client_error
from tests.functions.migration import Caller, Migration
from tests.functions.test_enable_trigger import _prepared
from tests.functions.test_stream_processor import Capturing, record
from tests.functions.test_write_cdc import Applying

HOT = "TableWriteKeyRangeThroughputExceeded"
MARKER = "jane.doe@example.com"


def told(migration: Migration, **labels: str) -> dict[str, list[float]]:
    """The values of each metric, in their order, of the migration or of one reason."""
    wanted = frozenset({"Migration": "Orders/OrdersMigration", **labels}.items())
    return {
        name: [value for _, value in values]
        for (namespace, name, dimensions), values in migration.watch.samples.items()
        if (namespace, dimensions) == (names.METRIC_NAMESPACE, wanted)
    }


def test_capture_tells_what_it_captured_and_how_late(migration: Migration) -> None:
    Capturing(migration).process(
        record("a", 100), record("b", 400), record("c", 1, SizeBytes=1, StreamViewType="KEYS_ONLY")
    )
    assert told(migration) == {"CapturedChanges": [3], "Rereads": [1], "ReplicationLag": [400]}


def test_capture_of_nothing_is_no_change_captured(migration: Migration) -> None:
    Capturing(migration).process()
    assert told(migration) == {"ReplicationLag": [0]}


def test_capture_tells_of_changes_after_the_cut_over(migration: Migration) -> None:
    capturing = Capturing(migration)
    execution = str(migration.control.read().execution)
    started = migration.control.begin_cut_over(execution, CutOverOrder(FENCED), migration.clock()).cut_over_started
    migration.control.note_cut_over(execution, started, migration.clock())
    capturing.process(record("a", 1), record("b", 2))
    capturing.process(record("b", 2))
    assert told(migration)["SourceChangesAfterCutOver"] == [2, 1]


def test_apply_tells_what_became_of_changes(migration: Migration) -> None:
    applying = Applying(migration)
    applying.change(PUT, "a", 50)
    applying.change(PUT, "b", 2, city={"N": "1"})
    applying.change(PUT, "c", 3, epoch="another")
    applying.run()
    applying.change(PUT, "a", 40)
    applying.run()
    assert told(migration) == {
        "ReplicationLag": [50, 40],
        "OldestChangeAge": [50, 40],
        "AppliedChanges": [1],
        "ParkedKeys": [1],
        "DiscardedMessages": [1],
        "StaleChanges": [1],
    }


def test_throttled_calls_are_told_by_dynamodbs_reason(migration: Migration) -> None:
    applying = Applying(migration)
    hot = client_error("PutItem", "ThrottlingException")
    hot.response["ThrottlingReasons"] = [{"reason": HOT, "resource": migration.destination}]
    plain = client_error("PutItem", "ProvisionedThroughputExceededException")
    applying.aws.dynamodb.fail("PutItem", hot, hot, plain, client_error("PutItem", "InternalServerError"))
    applying.change(PUT, "a", 1)
    assert applying.run() == []
    assert told(migration, Reason=HOT) == {"Throttles": [2]}
    assert told(migration, Reason="ProvisionedThroughputExceededException") == {"Throttles": [1]}
    assert sum(told(migration)["Throttles"]) == 3


def test_drain_tells_lag_and_how_many_keys_are_parked(migration: Migration) -> None:
    _prepared("Drain", migration)
    migration.control.rows.update("watermark", "watermark", "SET #parked_epoch = :e", {"e": "e1"})
    Caller(migration, drain.run).once()
    assert told(migration) == {"ReplicationLag": [0], "ParkedKeys": [1]}


def test_an_unknown_lag_is_not_told(migration: Migration) -> None:
    _prepared("Drain", migration)
    migration.aws.functions.mappings.clear()
    Caller(migration, drain.run).once()
    assert told(migration) == {"ParkedKeys": [0]}


def printing(migration: Migration) -> Migration:
    """The migration with metrics that are printed, as they are in production."""
    migration.metrics = Metrics("Orders/OrdersMigration", migration.clock)
    return migration


def test_nothing_of_a_captured_item_is_printed(migration: Migration, capsys: pytest.CaptureFixture[str]) -> None:
    capturing = Capturing(printing(migration))
    capturing.refuse(MARKER, times=1)
    capturing.process(record(MARKER, 9, mail={"S": MARKER}), record(f"{MARKER}2", 10, event="REMOVE"))
    out = capsys.readouterr().out
    assert "CapturedChanges" in out
    assert MARKER not in out


def test_nothing_of_an_applied_item_is_printed(migration: Migration, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither of its key nor of its values, whether applied, stale, parked, throttled or returned to the queue."""
    applying = Applying(printing(migration))
    mail: dict[str, Any] = {"mail": {"S": MARKER}}
    applying.aws.dynamodb.fail("PutItem", client_error("PutItem", "ThrottlingException"))
    applying.change(PUT, MARKER, 5, **mail)
    applying.change(PUT, f"{MARKER}2", 6, city={"N": "1"}, **mail)
    applying.run()
    applying.change(PUT, MARKER, 4, **mail)
    applying.run()
    applying.aws.dynamodb.fail("PutItem", client_error("PutItem", "AccessDeniedException"))
    applying.change(PUT, MARKER, 20, **mail)
    applying.run()
    out = capsys.readouterr().out
    told = ("AppliedChanges", "StaleChanges", "ParkedKeys", "Throttles", "returns to the queue")
    assert [word for word in told if word not in out] == []
    assert MARKER not in out
