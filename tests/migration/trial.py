"""One migration on the embedded AWS, driven state by state."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ddb_migration_construct._runtime import names
from ddb_migration_construct.cli.migrations import Migration, find_migration
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from tests.migration.apps import STACK

AT_MOST_SECONDS = 150.0
# In place of the status of an execution that waits for the operator.
READY = "ready to cut over"


class Trial:
    """The tables and the state machine of one migration of the stack."""

    def __init__(self, aws: EmbeddedAws, outputs: dict[str, str], id: str = "Orders", number: int = 0) -> None:
        self.aws = aws
        self.source = outputs[f"SourceName{number}"]
        self.destination = outputs[f"DestinationName{number}"]
        self.dynamodb = aws.client("dynamodb")
        self.stepfunctions = aws.client("stepfunctions")
        self.migration: Migration = find_migration(self.stepfunctions, f"{STACK}/{id}")

    def fill(self, items: int) -> None:
        for first in range(0, items, 25):
            puts = [{"PutRequest": {"Item": _item(key, 0)}} for key in range(first, min(first + 25, items))]
            self.dynamodb.batch_write_item(RequestItems={self.source: puts})

    @contextmanager
    def writers(self, per_second: float = 30.0, keys: int = 400) -> Iterator[None]:
        """Write, delete and write again, from one thread, until the block ends."""
        stop = threading.Event()
        thread = threading.Thread(target=self._write, args=(stop, per_second, keys), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _write(self, stop: threading.Event, per_second: float, keys: int) -> None:
        draw, version = random.Random(7), 0
        while not stop.wait(1 / per_second):
            version += 1
            key = draw.choice([1, draw.randrange(keys)])
            if draw.random() < 0.25:
                self.dynamodb.delete_item(TableName=self.source, Key={"pk": {"S": f"k{key}"}})
            else:
                self.dynamodb.put_item(TableName=self.source, Item=_item(key, version))

    def start(self) -> str:
        arn: str = self.stepfunctions.start_execution(stateMachineArn=self.migration.state_machine_arn, input="{}")[
            "executionArn"
        ]
        return arn

    def stop(self, execution: str) -> None:
        self.stepfunctions.stop_execution(executionArn=execution)

    def status(self, execution: str) -> dict[str, Any]:
        found: dict[str, Any] = self.stepfunctions.describe_execution(executionArn=execution)
        return found

    def states(self, execution: str) -> list[str]:
        """Return the states that the execution has entered, in order."""
        events = self.stepfunctions.get_execution_history(executionArn=execution, maxResults=1000)["events"]
        return [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]

    def until(self, execution: str, state: str, at_most_seconds: float = AT_MOST_SECONDS) -> None:
        """Wait until the execution enters a state."""
        limit = time.monotonic() + at_most_seconds
        while state not in self.states(execution):
            found = self.status(execution)
            assert found["status"] == "RUNNING", found
            assert time.monotonic() < limit, f"{state} was not reached; the states were {self.states(execution)}"
            time.sleep(0.1)

    def finish(self, execution: str, at_most_seconds: float = AT_MOST_SECONDS) -> dict[str, Any]:
        """Wait until an execution has ended, or waits for the operator, and return its description."""
        limit = time.monotonic() + at_most_seconds
        while (found := self.status(execution))["status"] == "RUNNING":
            if names.READY_TO_CUT_OVER_STATE in self.states(execution) and "task_token" in self.record():
                return {**found, "status": READY}
            assert time.monotonic() < limit, f"still running; the states were {self.states(execution)}"
            time.sleep(0.2)
        return found

    def run(self) -> dict[str, Any]:
        """Start an execution and wait until it is ready to cut over."""
        found = self.finish(self.start())
        assert found["status"] == READY, found
        return found

    def settle(self) -> None:
        """Wait until both tables are equal, or let the comparison tell.

        A message that was in work when its mapping went comes back after the queue's 180 s.
        """
        limit = time.monotonic() + 240
        while time.monotonic() < limit and self.items(self.source) != self.items(self.destination):
            time.sleep(1)

    def items(self, table: str) -> dict[str, Any]:
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        return {item["pk"]["S"]: item for page in pages for item in page["Items"]}

    def require_equal(self) -> None:
        self.settle()
        source, destination = self.items(self.source), self.items(self.destination)
        assert source == destination

    def empty_destination(self) -> None:
        for key in self.items(self.destination):
            self.dynamodb.delete_item(TableName=self.destination, Key={"pk": {"S": key}})

    def record(self) -> dict[str, Any]:
        """Return the control record."""
        key = {"pk": {"S": "migration"}, "sk": {"S": "record"}}
        item = self.dynamodb.get_item(TableName=self.migration.control_table, Key=key, ConsistentRead=True)["Item"]
        return {name: next(iter(value.values())) for name, value in item.items()}

    def checkpoint_total(self, counter: str) -> int:
        return sum(int(row.get(counter, {"N": "0"})["N"]) for row in self._checkpoints())

    def units_done(self) -> int:
        """Return how many units of the bulk load are done."""
        return sum("done" in row and not row["sk"]["S"].startswith("complete@") for row in self._checkpoints())

    def _checkpoints(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.dynamodb.query(
            TableName=self.migration.control_table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": f"checkpoint#{self.record().get('epoch')}"}},
        )["Items"]
        return rows

    def abort(self) -> None:
        """Give the migration up, as the command line does."""
        limit = time.monotonic() + AT_MOST_SECONDS
        client = self.aws.client("lambda")
        while True:
            answer = client.invoke(FunctionName=self.migration.clean_up, Payload=b'{"action": "abort"}')
            body = answer["Payload"].read()
            assert "FunctionError" not in answer, body
            if b'"done": true' in body or b'"done":true' in body:
                return
            assert time.monotonic() < limit, body
            time.sleep(1)


def _item(key: int, version: int) -> dict[str, Any]:
    return {
        "pk": {"S": f"k{key}"},
        "version": {"N": str(version)},
        "exact": {"N": "12345678901234567890123456789012345678"},
        "bytes": {"B": bytes([key % 256, 0, 255])},
        "set": {"NS": ["1", "2.5"]},
        "empty": {"S": ""},
    }
