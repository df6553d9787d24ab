"""Fakes of the AWS clients that the commands use."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

from tests.fakes.client_errors import client_error

TAGS = {
    "ddb-migration:source": "arn:aws:dynamodb:us-east-1:123456789012:table/orders-old",
    "ddb-migration:destination": "arn:aws:dynamodb:us-east-1:123456789012:table/orders",
    "ddb-migration:control-table": "control",
    "ddb-migration:clean-up": "clean-up",
    "ddb-migration:change-queue": "https://sqs/queue",
    "ddb-migration:dead-letter-queue": "https://sqs/dead-letters",
    "ddb-migration:reread": "reread",
    "ddb-migration:verify-job": "verify-job",
    "ddb-migration:bucket": "bucket",
    "ddb-migration:cut-over": "cut-over",
}


# Of a migration that can be rolled back.
BACK = {
    "ddb-migration:reverse-change-queue": "https://sqs/reverse",
    "ddb-migration:reverse-dead-letter-queue": "https://sqs/reverse-dead-letters",
}


def arn_of(name: str) -> str:
    """The ARN of the state machine of a migration."""
    return f"arn:aws:states:us-east-1:123456789012:stateMachine:{name.replace('/', '-')}"


class FakePaginator:
    """One page for each element of a list."""

    def __init__(self, pages: list[dict[str, Any]]) -> None:
        self._pages = pages

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        yield from self._pages


class FakeStates:
    """Step Functions with state machines by ARN, their tags, and executions in the order of their start."""

    def __init__(self, *names: str, plain: tuple[str, ...] = ()) -> None:
        self.tags = {arn_of(name): {"ddb-migration:name": name, **TAGS} for name in names}
        self.tags.update({arn_of(name): {"owner": "somebody"} for name in plain})
        self.arns = list(self.tags)
        self.executions: list[dict[str, Any]] = []
        self.history: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.deleted: set[str] = set()

    def add(self, name: str, **execution: str) -> None:
        """Add an execution of a migration; the newest one comes last."""
        arn = arn_of(name)
        self.executions.append({"executionArn": f"{arn}:{len(self.executions)}", "of": arn, **execution})

    def enter(self, state: str, **answer: Any) -> None:
        """Let the newest execution enter a state, which answers if an answer is given."""
        self.history.append({"stateEnteredEventDetails": {"name": state}})
        if answer:
            output = json.dumps({"state": state, "done": False, **answer})
            self.history.append({"stateExitedEventDetails": {"name": state, "output": output}})
        self.history.append({"stateEnteredEventDetails": {"name": f"{state}Waits"}})

    def get_execution_history(
        self,
        executionArn: str,  # noqa: N803
        reverseOrder: bool,  # noqa: N803
        maxResults: int,  # noqa: N803
        includeExecutionData: bool,  # noqa: N803
    ) -> dict[str, Any]:
        assert reverseOrder
        assert includeExecutionData
        return {"events": self.history[::-1][:maxResults]}

    def get_paginator(self, operation: str) -> FakePaginator:
        assert operation == "list_state_machines"
        return FakePaginator([{"stateMachines": [{"stateMachineArn": arn}]} for arn in self.tags])

    def list_tags_for_resource(self, resourceArn: str) -> dict[str, Any]:  # noqa: N803  boto3's own names, also below
        self.asked.append(resourceArn)
        if resourceArn in self.deleted or resourceArn not in self.tags:
            raise client_error("ListTagsForResource", "ResourceNotFound")
        return {"tags": [{"key": key, "value": value} for key, value in self.tags[resourceArn].items()]}

    def list_executions(
        self,
        stateMachineArn: str,  # noqa: N803
        maxResults: int,  # noqa: N803
        statusFilter: str | None = None,  # noqa: N803
    ) -> dict[str, Any]:
        of = [one for one in self.executions if one["of"] == stateMachineArn]
        wanted = [one for one in of if statusFilter in (None, one["status"])]
        return {"executions": wanted[::-1][:maxResults]}

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803
        return next(one for one in self.executions if one["executionArn"] == executionArn)

    def start_execution(self, stateMachineArn: str, input: str) -> dict[str, str]:  # noqa: N803
        assert input == "{}"
        name = f"{stateMachineArn}:{len(self.executions)}"
        self.executions.append({"executionArn": name, "of": stateMachineArn, "status": "RUNNING"})
        return {"executionArn": self.executions[-1]["executionArn"]}


class FakeDynamoDb:
    """A control table with one record and any progress rows."""

    def __init__(self, record: dict[str, Any] | None = None, rows: list[dict[str, Any]] | None = None) -> None:
        self._record = record
        self._rows = rows or []

    def get_item(self, **_: Any) -> dict[str, Any]:
        return {} if self._record is None else {"Item": self._record}

    def get_paginator(self, operation: str) -> FakeQueryPaginator:
        assert operation == "query"
        return FakeQueryPaginator(self._rows)


class FakeQueryPaginator:
    """A page for each row of the partition that is asked for, of the table or of its index of parked keys."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self._rows = rows

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        (partition,) = request["ExpressionAttributeValues"].values()
        attribute = "parked_epoch" if "IndexName" in request else "pk"
        yield from ({"Items": [row]} for row in self._rows if row.get(attribute) == partition)


class FakeSqs:
    """A change queue with given depths, a number of dead letters, and what waits on the way back."""

    def __init__(
        self, waiting: int = 0, in_flight: int = 0, delayed: int = 0, dead_letters: int = 0, reverse: int = 0
    ) -> None:
        self._dead_letters = dead_letters
        self._reverse = reverse
        self._depths = {
            "ApproximateNumberOfMessages": str(waiting),
            "ApproximateNumberOfMessagesNotVisible": str(in_flight),
            "ApproximateNumberOfMessagesDelayed": str(delayed),
        }

    def get_queue_attributes(self, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:  # noqa: N803
        if QueueUrl.endswith("dead-letters"):
            return {"Attributes": {**dict.fromkeys(AttributeNames, "0"), AttributeNames[0]: str(self._dead_letters)}}
        if QueueUrl.endswith("reverse"):
            return {"Attributes": {**dict.fromkeys(AttributeNames, "0"), AttributeNames[0]: str(self._reverse)}}
        return {"Attributes": {name: self._depths[name] for name in AttributeNames}}


class FakeFunctions:
    """A clean-up function that gives the listed answers in turn; an exception stands for a failure."""

    def __init__(self, *answers: dict[str, Any] | Exception) -> None:
        self._answers = list(answers)
        self.invoked: list[tuple[str, Any]] = []

    def invoke(self, FunctionName: str, Payload: str) -> dict[str, Any]:  # noqa: N803
        self.invoked.append((FunctionName, json.loads(Payload)))
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            body = {"errorType": type(answer).__name__, "errorMessage": str(answer)}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(body).encode())}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}
