"""`ddb-migration verify`: a pass by hand, its progress, its verdict, its exit code."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from ddb_migration.core.verify_report import Difference
from ddb_migration_construct.cli.failures import CommandFailed
from ddb_migration_construct.cli.frame import Told
from ddb_migration_construct.cli.migrations import find_migration
from ddb_migration_construct.cli.verify import Clients, verified
from tests.cli.fakes import FakeDynamoDb, FakeFunctions, FakeStates
from tests.cli.running import invoked
from tests.cli.verify_reports import FakeGlue, FakeS3, plan_text, report_text

NAME = "Orders/Migration"
MIGRATION = find_migration(FakeStates(NAME), NAME)
FILLED = {"epoch": {"S": "e1"}, "trigger_enabled_at": {"N": "1"}}
MISSING, EXTRA = Difference("missing", {"pk": {"S": "a"}}), Difference("extra", {"pk": {"S": "b"}})


class World:
    """A migration whose verify passes find what is listed, one after the other."""

    def __init__(self, *reports: str, states: tuple[str, ...] = ("RUNNING", "SUCCEEDED"), busy: bool = False) -> None:
        self.reports = list(reports)
        self.s3 = FakeS3()
        self.glue = FakeGlue(*states, ended=self._ended, busy=busy)
        self.functions = FakeFunctions({"refused": None, "sent": 1, "not_sent": 0})
        self.dynamodb: Any = FakeDynamoDb(FILLED)
        self.waited: list[float] = []

    def run(self, sample: str = "100%", repair: bool = False) -> Told:
        clients = Clients(self.glue, self.s3, self.dynamodb, self.functions)
        return verified(clients, MIGRATION, sample, repair, self.waited.append)

    def _ended(self, arguments: dict[str, str]) -> None:
        if self.reports:
            self.s3.objects[f"verify/e1/{arguments['--pass_id']}/report.json"] = self.reports.pop(0)


def test_equal_tables_end_with_0() -> None:
    world = World(report_text())
    told = world.run()
    assert (told.exit_code, told.values["verdict"], told.values["standing"]) == (0, "equal", 0)
    assert told.text == "Orders/Migration: equal; 100 items compared in both directions."
    (arguments,) = world.glue.started
    assert arguments["--epoch"] == "e1"
    assert arguments["--sample"] == "100%"
    assert not arguments["--pass_id"].isdigit(), "it is none of the migration's own passes"


def test_differences_end_with_4_and_say_what_to_do() -> None:
    told = World(report_text(MISSING, EXTRA)).run()
    assert (told.exit_code, told.values["missing"], told.values["extra"]) == (4, 1, 1)
    assert "2 of 100 items differ" in told.text
    assert "ddb-migration report Orders/Migration" in told.text
    assert "--repair" in told.text


def test_a_sample_says_that_it_opens_the_gate_by_name_only() -> None:
    world = World(report_text(sampled=0.01))
    text = world.run("1%").text
    assert "A sample of 1.00% of the keys: it opens the gate by name only (cut-over --accept-sample " in text
    assert world.glue.started[0]["--sample"] == "1%"


def test_repair_reads_again_what_the_source_has_and_verifies_once_more() -> None:
    world = World(report_text(MISSING, EXTRA), report_text())
    assert world.run(repair=True).exit_code == 0
    assert world.functions.invoked == [("reread", {"action": "reread", "keys": [{"pk": {"S": "a"}}]})]
    assert len(world.glue.started) == 2


def test_repair_of_nothing_is_one_pass() -> None:
    world = World(report_text())
    assert world.run(repair=True).exit_code == 0
    assert len(world.glue.started) == 1


def test_progress_is_told_while_it_runs(capsys: pytest.CaptureFixture[str]) -> None:
    world = World(report_text(), states=("STARTING", "RUNNING", "RUNNING", "RUNNING", "SUCCEEDED"))
    steps = iter(range(9))

    def more(_: float) -> None:
        world.waited.append(_)
        prefix = f"verify/e1/{world.glue.started[0]['--pass_id']}/"
        world.s3.objects[f"{prefix}plan.json"] = plan_text(64)
        world.s3.objects[f"{prefix}segments/{next(steps):06d}.json"] = "{}"

    verified(Clients(world.glue, world.s3, world.dynamodb, world.functions), MIGRATION, "100%", False, more)
    said = capsys.readouterr().err
    assert "Orders/Migration: verify starting\n" in said
    assert "verify running, 1 of 64 segments compared\n" in said
    assert "verify running, 3 of 64 segments compared\n" in said


def test_a_pass_of_hours_outlasts_what_aws_does_not_answer(capsys: pytest.CaptureFixture[str]) -> None:
    world = World(report_text())
    errors, answered = [EndpointConnectionError(endpoint_url="glue") for _ in range(3)], world.glue.get_job_run

    def get_job_run(**request: Any) -> Any:
        if errors:
            raise errors.pop()
        return answered(**request)

    world.glue.get_job_run = get_job_run  # type: ignore[method-assign, assignment]  # a network that is gone for a while
    assert world.run().exit_code == 0
    assert capsys.readouterr().err.count("AWS does not answer, and is asked again") == 1


@pytest.mark.parametrize("state", ["FAILED", "TIMEOUT", "STOPPED"])
def test_fails_with_the_jobs_own_words(state: str) -> None:
    with pytest.raises(CommandFailed, match="without a result: MigrationStopped: the migration is closed") as failed:
        World(states=(state,)).run()
    assert failed.value.exit_code == 1


def test_fails_when_the_job_left_no_report() -> None:
    with pytest.raises(CommandFailed, match="ended without a report"):
        World().run()


def test_fails_while_another_pass_runs() -> None:
    with pytest.raises(CommandFailed, match="is being verified already") as failed:
        World(busy=True).run()
    assert failed.value.exit_code == 3


def test_is_refused_before_the_destination_is_filled() -> None:
    world = World(report_text())
    world.dynamodb = FakeDynamoDb({"epoch": {"S": "e1"}})
    with pytest.raises(CommandFailed, match="still filling its destination") as failed:
        world.run()
    assert failed.value.exit_code == 3
    assert world.glue.started == []


def test_fails_before_the_first_epoch() -> None:
    world = World()
    world.dynamodb = FakeDynamoDb()
    with pytest.raises(CommandFailed, match="has not begun"):
        world.run()


def test_json_has_the_verdict_and_its_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(report_text(MISSING), states=("SUCCEEDED",))
    clients = {"stepfunctions": FakeStates(NAME), "glue": world.glue, "s3": world.s3}
    done = invoked(
        monkeypatch, {**clients, "dynamodb": world.dynamodb, "lambda": world.functions}, "verify", NAME, "--json"
    )
    assert done.exit_code == 4
    found = json.loads(done.stdout)
    assert (found["verdict"], found["missing"], found["exit_code"]) == ("unequal", 1, 4)
