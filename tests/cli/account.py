"""An account of migrations over the fakes, which wait for an order and go through the product's own states."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError

from cut_over.lift_fence import FailedBehindSwitch
from ddb_migration import names
from ddb_migration_construct.cli.migrations import Migration
from ddb_migration_construct.cli.switching import Order, Switches
from ddb_migration_construct.cli.ways import BACK, THERE, Way
from tests.fakes.client_errors import client_error
from tests.functions.cutting import Cutting, States
from tests.functions.rolling import Rolling, cut_over

_ACTING = {THERE.act: names.CUT_OVER_STATE, BACK.act: names.ROLL_BACK_STATE}
_LIFTING = {THERE.act: names.LIFT_FENCE_STATE, BACK.act: names.LIFT_DESTINATION_FENCE_STATE}


def migration(name: str, can_roll_back: bool = False) -> Migration:
    """A migration whose control table bears its name."""
    parts = {part: part for part in Migration.__dataclass_fields__ if can_roll_back or "reverse" not in part}
    return Migration(**{**parts, "name": name, "state_machine_arn": name, "control_table": name})


class Died(Exception):
    """The command was killed."""


class Account:
    """Migrations by name that run as the state machine would run them, a step each time that the command sleeps.

    Those that shall go back have cut over.
    """

    def __init__(self, *names_: str, way: Way = THERE) -> None:
        self._way = way
        self.cuttings = {name: Cutting() if way is THERE else cut_over(Rolling()) for name in names_}
        self.running: dict[str, States] = {}
        self.answered: list[str] = []
        self.stopped: dict[str, str] = {}
        self.old_tokens = 0
        self.lost_answers = 0
        self.unreachable = 0
        self.refused: set[str] = set()
        self.before_step: Callable[[], None] = lambda: None
        for name, cutting in self.cuttings.items():
            self._waits(cutting, f"token of {name}")

    @property
    def migrations(self) -> list[Migration]:
        return [migration(name) for name in self.cuttings]

    def sleep(self, seconds: float) -> None:
        self.before_step()
        if not self.running:
            for cutting in self.cuttings.values():
                cutting.clock.sleep(seconds)
        for name, states in list(self.running.items()):
            try:
                answer = states.once()
            except ClientError:
                self._fail(name)
                continue
            if answer["done"]:
                del self.running[name]
                self._go_on(self.cuttings[name], f"another token of {name}", bool(answer.get("cut_over")))

    def _fail(self, name: str) -> None:
        """Go on where a state has failed for good; behind a switch the execution ends."""
        self.running[name] = States(self.cuttings[name], _LIFTING[self._way.act])
        try:
            self.running[name].once()
        except FailedBehindSwitch as failed:
            self.stop(name, type(failed).__name__)

    def stop(self, name: str, error: str) -> None:
        """End the execution of a migration."""
        self.stopped[name] = error
        self.running.pop(name, None)

    def _go_on(self, cutting: Cutting, token: str, is_through: bool) -> None:
        if is_through:
            States(cutting, names.COMPLETE_STATE).once()
        else:
            self._waits(cutting, token)

    def _waits(self, cutting: Cutting, token: str) -> None:
        if isinstance(cutting, Rolling):
            cutting.waits(token)
        else:
            cutting.ready(token)

    def order_and_die(self, after: int) -> None:
        """Order a switch of all, by a command that is killed after so many waits; everything runs to its end."""
        steps = 0

        def die() -> None:
            nonlocal steps
            steps += 1
            if steps > after:
                raise Died

        self.before_step = die
        try:
            self.switches().order(self.migrations)
        except Died:
            self.before_step = lambda: None
        for _ in range(1000):
            if not self.running:
                break
            self.sleep(1)

    def clock(self) -> float:
        return max(cutting.clock() for cutting in self.cuttings.values())

    # --- Step Functions

    def send_task_success(self, taskToken: str, output: str) -> None:  # noqa: N803  boto3's own names, also below
        if self.old_tokens or taskToken in self.refused:
            self.old_tokens = max(0, self.old_tokens - 1)
            raise client_error("SendTaskSuccess", "TaskTimedOut")
        name = taskToken.removeprefix("token of ")
        self.answered.append(name)
        self.running[name] = States(self.cuttings[name], _ACTING[self._way.act], json.loads(output))
        if self.lost_answers:
            self.lost_answers, self.old_tokens = self.lost_answers - 1, 1
            raise client_error("SendTaskSuccess", "TaskTimedOut")

    def list_executions(self, stateMachineArn: str, maxResults: int) -> Any:  # noqa: N803
        status = "FAILED" if stateMachineArn in self.stopped else "RUNNING"
        return {"executions": [{"executionArn": stateMachineArn, "status": status}]}

    def describe_execution(self, executionArn: str) -> Any:  # noqa: N803
        (found,) = self.list_executions(executionArn, 1)["executions"]
        return {**found, "error": self.stopped.get(executionArn)}

    # --- DynamoDB: the control tables bear the migrations' names

    def get_item(self, TableName: str, **request: Any) -> Any:  # noqa: N803
        if self.unreachable:
            self.unreachable -= 1
            raise EndpointConnectionError(endpoint_url=TableName)
        return self.cuttings[TableName].aws.dynamodb.get_item(TableName="control", **request)

    def update_item(self, TableName: str, **request: Any) -> Any:  # noqa: N803
        return self.cuttings[TableName].aws.dynamodb.update_item(TableName="control", **request)

    def transact_write_items(self, TransactItems: list[Any]) -> None:  # noqa: N803
        tables = {name: cutting.aws.dynamodb.tables["control"] for name, cutting in self.cuttings.items()}
        before = {name: copy.deepcopy(table.items) for name, table in tables.items()}
        try:
            for item in TransactItems:
                self.update_item(**item["Update"])
        except Exception as error:
            for name, table in tables.items():
                table.items = before[name]
            raise client_error("TransactWriteItems", "TransactionCanceledException") from error

    def switches(self, samples: Mapping[Migration, str] | None = None, **order: Any) -> Switches:
        """What gives the order, to a group where there are several."""
        group = {"group": "g"} if len(self.cuttings) > 1 else {}
        return Switches(self, self, self._way, Order(**{**group, **order}), samples or {}, self.sleep, self.clock)
