"""An operator's day: every command, by its program, against a deployed migration under live writes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Duration
from botocore.exceptions import ClientError

from ddb_migration_construct.rehearsal.deployment import deploy
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from tests.migration.apps import STACK, synthesise
from tests.migration.trial import Trial

ORDERS, CUSTOMERS = f"{STACK}/Orders", f"{STACK}/Customers"
DONE, FAILED, REFUSED = 0, 1, 3
ITEMS = 1200
PROGRAM = Path(sys.executable).with_name("ddb-migration")


class Operator:
    """Somebody at a terminal, who has the account's own rights and a folder for reports."""

    def __init__(self, aws: EmbeddedAws, folder: Path) -> None:
        self.environment = {**aws.environment(), "COLUMNS": "200"}
        self.folder = folder

    def does(self, *words: str, code: int = DONE, answers: str = "") -> str:
        """Run a command that ends with this exit code, and return all that it says."""
        done = subprocess.run(
            [str(PROGRAM), *words],
            env=self.environment,
            cwd=self.folder,
            input=answers,
            capture_output=True,
            text=True,
            timeout=300,
        )
        said = done.stdout + done.stderr
        assert done.returncode == code, said
        assert "Traceback" not in said
        return said

    def status(self, name: str) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.does("status", name, "--json"))
        return told

    def waits_until(self, name: str, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        limit = time.monotonic() + 240
        while not condition(told := self.status(name)):
            assert time.monotonic() < limit, told
            time.sleep(1)
        return told


def before_the_start(operator: Operator, trial: Trial) -> None:
    listed = operator.does("list")
    assert f"{trial.source} -> {trial.destination}" in listed
    assert "start it: ddb-migration start Trial/Orders" in operator.does("status", ORDERS)
    assert "Trial/Orders" in operator.does("status", f"{STACK}/Order", code=FAILED)
    for words in (("pause",), ("resume",), ("rate",), ("verify",), ("report",), ("cut-over", "--dry-run")):
        assert "ddb-migration start Trial/Orders" in operator.does(words[0], ORDERS, *words[1:], code=REFUSED)
    assert "nothing to abort" in operator.does("abort", ORDERS, "--yes")
    planned = operator.does("plan", "--source", trial.source, "--destination", trial.destination)
    assert "bulk load" in planned.lower()


def while_it_loads(operator: Operator) -> None:
    assert operator.does("start", "--all", STACK).count("Started") == 2
    assert "runs already" in operator.does("start", ORDERS)
    assert "runs already" in operator.does("start", ORDERS)
    operator.waits_until(ORDERS, lambda told: told["loaded"] > 0)
    assert "bulk tasks stop within 2 s" in operator.does("pause", ORDERS)
    assert "attention  paused by root" in operator.does("status", ORDERS)
    assert "still filling its destination" in operator.does("verify", ORDERS, code=REFUSED)
    refused = operator.does("cut-over", ORDERS, "--dry-run", code=REFUSED)
    assert "1. it is not ready" in refused
    assert "ddb-migration status Trial/Orders" in refused
    assert "Resumed" in operator.does("resume", ORDERS)
    assert "at most 80 units a second" in operator.does("rate", ORDERS, "--writes", "80")
    assert "as fast as the table takes it" in operator.does("rate", ORDERS, "--writes", "none")
    assert "whole number" in operator.does("rate", ORDERS, "--writes", "many", code=FAILED)


def once_it_is_ready(operator: Operator) -> None:
    operator.waits_until(ORDERS, lambda told: told["state"] == "ReadyToCutOver" and told["closed"] == [])
    assert "gate       open" in operator.does("status", ORDERS)
    assert "1 reread is in the change queue" in operator.does("reread", ORDERS, "--key", '{"pk":{"S":"k1"}}')
    assert "its keys look like" in operator.does("reread", ORDERS, "--key", '{"id":{"S":"k1"}}', code=REFUSED)
    assert "nothing to read again" in operator.does("reread", ORDERS, "--parked", "--dead-letters")
    not_parked = operator.does("accept", ORDERS, "--key", '{"pk":{"S":"k1"}}', "--reason", "a test", code=REFUSED)
    assert "status Trial/Orders --parked-keys" in not_parked
    assert "Trial/Orders: equal" in operator.does("verify", ORDERS)
    told = json.loads(operator.does("report", ORDERS, "--out", "report", "--json"))
    assert "Over time" in (operator.folder / told["page"]).read_text()
    assert "Aborted Trial/Customers" in operator.does("abort", CUSTOMERS, answers="y\n")
    assert "ddb-migration start Trial/Customers" in operator.does("status", CUSTOMERS)


def through_the_cut_over(operator: Operator) -> None:
    planned = operator.does("cut-over", ORDERS, "--dry-run")
    assert "Trial/Orders: would cut over:" in planned
    assert '"Effect": "Deny"' in planned
    operator.does("cut-over", ORDERS, code=FAILED, answers="n\n")
    assert "has cut over (fenced)" in operator.does("cut-over", ORDERS, "--yes")
    assert "complete it" in operator.does("status", ORDERS)
    assert "has cut over already" in operator.does("cut-over", ORDERS, "--dry-run", code=REFUSED)
    for words in (("abort", "--yes"), ("pause",)):
        assert "has done so" in operator.does(words[0], ORDERS, *words[1:], code=REFUSED)
    left = operator.does("complete", ORDERS, "--yes")
    assert "What is left to do:" in left
    assert "stays fenced" in left
    assert "Complete" in operator.does("list")


@pytest.mark.slow
@pytest.mark.rehearsal
def test_every_command_as_a_new_operator_meets_it(aws: EmbeddedAws, assembly: Path, tmp_path: Path) -> None:
    props: dict[str, Any] = {"fence_source_writes": True, "max_write_units_per_second": 40}
    outputs = deploy(aws, synthesise(assembly, ids=("Orders", "Customers"), **props), STACK)
    trial = Trial(aws, outputs)
    trial.fill(ITEMS)
    operator = Operator(aws, tmp_path)
    before_the_start(operator, trial)
    with trial.writers(per_second=5):
        while_it_loads(operator)
        once_it_is_ready(operator)
    through_the_cut_over(operator)
    trial.require_equal()


# The destination's index by city takes texts only.
ODD = {"pk": {"S": "odd"}, "city": {"N": "1"}}
ODD_KEY = '{"pk":{"S":"odd"}}'


def a_key_is_parked(operator: Operator, trial: Trial) -> None:
    """Nothing mends an item that the destination's index rejects: status says so, and a reread shows it."""
    trial.dynamodb.put_item(TableName=trial.source, Item=ODD)
    operator.waits_until(ORDERS, lambda told: sum(told["parked"].values()) == 1)
    said = operator.does("status", ORDERS)
    assert "parked     1 key; which: ddb-migration status Trial/Orders --parked-keys" in said
    assert "Type mismatch for Index Key city" in said
    assert "reread Trial/Orders --parked (or accept a key as it is: ddb-migration accept Trial/Orders)" in said
    assert '{"pk": {"S": "odd"}}' in operator.does("status", ORDERS, "--parked-keys")
    assert "1. 1 key is parked" in operator.does("cut-over", ORDERS, "--dry-run", code=REFUSED)
    assert "1 reread is in the change queue" in operator.does("reread", ORDERS, "--parked")
    time.sleep(5)
    assert "parked     1 key" in operator.does("status", ORDERS)


def the_difference_is_accepted(operator: Operator) -> None:
    accept = ("accept", ORDERS, "--key", ODD_KEY, "--reason")
    assert "needs a reason" in operator.does(*accept, " ", code=FAILED)
    assert "Accepted in Trial/Orders, by arn:aws:iam::" in operator.does(*accept, "a test order")
    assert "parked     none, 1 key accepted" in operator.does("status", ORDERS)
    listed = operator.does("status", ORDERS, "--parked-keys")
    assert re.search(r'\{"pk": \{"S": "odd"\}\} accepted by root at .*: a test order', listed)
    assert "equal; 201 items compared in both directions, but for 1 parked or accepted" in operator.does(
        "verify", ORDERS
    )
    assert "would cut over" in operator.does("cut-over", ORDERS, "--dry-run")


def the_application_goes_there(operator: Operator, trial: Trial) -> None:
    there_is_nothing = "has not cut over, so there is nothing to roll back"
    assert there_is_nothing in operator.does("roll-back", ORDERS, "--dry-run", code=REFUSED)
    said = operator.does("cut-over", ORDERS, "--yes")
    assert "you can switch it back: ddb-migration roll-back Trial/Orders. When it is over" in said
    said = operator.does("status", ORDERS)
    assert "gate       open: nothing stands against a roll back" in said
    assert re.search("window     until .* left", said)
    assert "RollbackWindow until" in operator.does("list")
    assert "it can be rolled back until" in operator.does("complete", ORDERS, "--yes", code=REFUSED)
    moved = {"pk": {"S": "k1"}, "city": {"S": "Graz"}}
    trial.dynamodb.put_item(TableName=trial.destination, Item=moved)
    trial.dynamodb.put_item(TableName=trial.destination, Item={**moved, "pk": {"S": "new"}})
    trial.dynamodb.delete_item(TableName=trial.destination, Key={"pk": {"S": "k2"}})


def the_application_comes_back(operator: Operator) -> None:
    planned = operator.does("roll-back", ORDERS, "--dry-run")
    assert "Trial/Orders: would roll back:" in planned
    assert "lift the source's fence" in planned
    operator.does("roll-back", ORDERS, code=FAILED, answers="n\n")
    said = operator.does("roll-back", ORDERS, "--yes")
    assert "has rolled back: switch your application back to the source, which takes writes again" in said
    said = operator.does("status", ORDERS)
    assert re.search("roll back  at 20", said)
    assert "complete it once nothing needs the destination any more: ddb-migration complete Trial/Orders" in said
    assert "Complete, rolled back" in operator.does("list")
    refused = operator.does("roll-back", ORDERS, "--dry-run", code=REFUSED)
    assert "1. the migration has rolled back already" in refused
    assert "  2. " not in refused
    operator.does("report", ORDERS, "--out", "back")
    assert "Rolled back at" in (operator.folder / "back" / "report.html").read_text()


def the_source_is_the_table_again(operator: Operator, trial: Trial) -> None:
    source, destination = trial.items(trial.source), trial.items(trial.destination)
    assert source.pop("odd")
    assert source == destination
    assert "new" in source
    assert "k2" not in source
    trial.dynamodb.put_item(TableName=trial.source, Item={"pk": {"S": "again"}})
    with pytest.raises(ClientError, match="AccessDenied"):
        trial.dynamodb.put_item(TableName=trial.destination, Item={"pk": {"S": "again"}})
    left = operator.does("complete", ORDERS, "--yes")
    assert "every application reads and writes the source again" in left
    assert "stays fenced" in left


@pytest.mark.slow
@pytest.mark.rehearsal
def test_a_day_on_which_a_difference_is_accepted_and_the_application_comes_back(
    aws: EmbeddedAws, assembly: Path, tmp_path: Path
) -> None:
    props: dict[str, Any] = {"fence_source_writes": True, "rollback_window": Duration.hours(2)}
    trial = Trial(aws, deploy(aws, synthesise(assembly, index="city", **props), STACK))
    trial.fill(200)
    operator = Operator(aws, tmp_path)
    operator.does("start", ORDERS)
    operator.waits_until(ORDERS, lambda told: told["state"] == "ReadyToCutOver" and told["closed"] == [])
    a_key_is_parked(operator, trial)
    the_difference_is_accepted(operator)
    the_application_goes_there(operator, trial)
    the_application_comes_back(operator)
    the_source_is_the_table_again(operator, trial)
