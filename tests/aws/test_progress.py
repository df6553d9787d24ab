"""What tasks of the bulk load note about their throttling, for `status` to show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ddb_migration.aws.bulk_task import Teller
from ddb_migration.aws.job_metrics import JobMetrics
from ddb_migration.aws.progress import Progress
from ddb_migration.aws.rows import Rows
from tests.fakes.aws import FakeAws
from tests.fakes.making import create_control_table


class Aside:
    """A port that does its work at once, and tells its failures as the real one does; its clock is set by hand."""

    now = 0.0

    def clock(self) -> float:
        return self.now

    def aside(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        try:
            then(work())
        except RuntimeError as error:
            then(error)


def noted(fake: FakeAws) -> list[str]:
    rows = Rows(fake.dynamodb, "control").query("task#e1")
    return [row["throttles"] for _, row in rows]


def teller(fake: FakeAws, port: Any = None, watch: Any = None) -> Teller:
    create_control_table(fake.dynamodb, "control")
    aside: Any = port or Aside()
    metrics = JobMetrics("Migrations/Orders", lambda: watch)
    return Teller(aside, Progress(Rows(fake.dynamodb, "control"), "e1"), metrics)


def test_a_task_notes_what_was_throttled_since_its_last_line(fake: FakeAws) -> None:
    task = teller(fake)
    task.totals.items_offered, task.totals.throttled["KeyRange"] = 100, 25
    task.tell("one")
    assert noted(fake) == ["25.0 % of the items offered (KeyRange 25)"]
    task.totals.items_offered, task.totals.throttled["KeyRange"] = 200, 26
    task.tell("two")
    assert noted(fake) == ["1.0 % of the items offered (KeyRange 1)"]
    task.totals.items_offered = 300
    task.tell("three")
    assert noted(fake) == [""]


def test_a_note_that_fails_does_not_stop_the_load(fake: FakeAws) -> None:
    class Failing(Aside):
        def aside(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
            then(RuntimeError("no answer"))

    teller(fake, Failing()).tell("one")
    assert noted(fake) == []


def test_a_task_notes_how_many_items_it_has_written_and_how_fast(fake: FakeAws) -> None:
    port = Aside()
    task = teller(fake, port)
    for written, now, rate in ((500, 5.0, 100.0), (600, 10.0, 20.0)):
        task.totals.items_written, port.now = written, now
        task.tell("line")
        ((_, row),) = Rows(fake.dynamodb, "control").query("task#e1")
        assert (row["written"], row["per_second"]) == (written, rate)


class Watch:
    """A CloudWatch that keeps what it is told."""

    def __init__(self) -> None:
        self.data: list[dict[str, Any]] = []

    def put_metric_data(self, Namespace: str, MetricData: list[dict[str, Any]]) -> None:  # noqa: N803  boto3's own names
        assert Namespace == "DdbMigration"
        self.data += MetricData


def test_a_task_tells_the_reasons_of_throttled_calls_in_metrics(fake: FakeAws) -> None:
    watch = Watch()
    task = teller(fake, watch=watch)
    task.tell("nothing is throttled")
    assert watch.data == []
    task.totals.throttled_calls["TableWriteKeyRangeThroughputExceeded"] = 3
    task.tell("one")
    told = [({row["Name"]: row["Value"] for row in datum["Dimensions"]}, datum["Value"]) for datum in watch.data]
    of_all = {"Migration": "Migrations/Orders"}
    assert told == [(of_all, 3.0), ({**of_all, "Reason": "TableWriteKeyRangeThroughputExceeded"}, 3.0)]
    assert {(datum["MetricName"], datum["Unit"]) for datum in watch.data} == {("Throttles", "Count")}
