from __future__ import annotations

import pytest

from ddb_migration.aws.bulk_books import Saved
from ddb_migration.aws.checkpoints import Checkpoints
from ddb_migration.aws.progress import APPLY, CAPTURE, Progress
from ddb_migration.aws.rows import Rows
from ddb_migration.core.lag import Report

POSITION = '{"pk":{"B":"AP8="},"sk":{"N":"1.5"}}'


def test_a_unit_goes_on_where_it_stopped_until_it_is_done(rows: Rows) -> None:
    checkpoints = Checkpoints(rows, "e1", "7")
    assert checkpoints.read("u1") == Saved()
    checkpoints.save("u1", Saved(False, POSITION, 3, 1))
    assert checkpoints.read("u1") == Saved(False, POSITION, 3, 1)
    checkpoints.save("u1", Saved(True, None, 5, 1))
    checkpoints.save("u2", Saved(False, POSITION, 7))
    assert checkpoints.read("u1") == Saved(True, None, 5, 1)
    assert checkpoints.done() == {"u1": Saved(True, None, 5, 1)}


def test_what_is_done_stays_done(rows: Rows) -> None:
    """A task that Spark thought lost may still save what it has."""
    checkpoints = Checkpoints(rows, "e1", "7")
    checkpoints.save("u1", Saved(True, None, 5))
    checkpoints.save("u1", Saved(False, POSITION, 3))
    checkpoints.save("u1", Saved(True, None, 6))
    assert checkpoints.read("u1") == Saved(True, None, 5)


def test_counts_are_those_before_the_position_however_often_they_are_saved(rows: Rows) -> None:
    checkpoints = Checkpoints(rows, "e1", "7")
    for _ in range(3):
        checkpoints.save("u1", Saved(False, POSITION, 9, 2))
    row = rows.get("checkpoint#e1", "u1@7")
    assert (row["items_read"], row["items_written"], row["items_rejected"]) == (9, 7, 2)


@pytest.mark.parametrize(("epoch", "plan"), [("e2", "7"), ("e1", "8")])
def test_checkpoints_of_another_epoch_or_plan_are_void(rows: Rows, epoch: str, plan: str) -> None:
    written, read = Checkpoints(rows, "e1", "7"), Checkpoints(rows, epoch, plan)
    written.save("u1", Saved(True, None, 1))
    written.complete()
    assert written.is_complete
    assert not read.is_complete
    assert read.read("u1") == Saved()
    assert read.done() == {}


def test_progress_is_summed_over_all_readers(rows: Rows) -> None:
    progress = Progress(rows, "e1")
    progress.report(CAPTURE, "a", {"captured": 3, "sent": 2, "rereads": 0}, 4.0, 100.0)
    progress.report(CAPTURE, "a", {"captured": 1}, 1.5, 200.0)
    progress.report(CAPTURE, "b", {"captured": 5}, -2.0, 150.0)
    progress.report(APPLY, "a", {"applied": 9}, 7.0, 160.0)
    Progress(rows, "e2").report(APPLY, "a", {"applied": 100}, 7.0, 160.0)
    assert dict(progress.totals()) == {"captured": 9, "sent": 2, "applied": 9}
    assert set(progress.reports(CAPTURE)) == {Report(1.5, 200), Report(0, 150)}
    assert progress.reports(APPLY) == (Report(7, 160),)
