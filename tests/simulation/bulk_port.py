"""The bulk engine's world in the simulation: virtual time for the event loop, simulated calls on the wire."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from greenlet import getcurrent

from ddb_migration.aws.asyncio_port import AsyncioPort, End
from ddb_migration.aws.bulk_port import Then, Value
from ddb_migration.core.item_text import Requests
from tests.simulation.database import DynamoDbClient
from tests.simulation.kernel import Kernel, Task
from tests.simulation.tables import event_form

_dumps = json.JSONEncoder(separators=(",", ":")).encode
Start = Callable[["SimulatedPort", Callable[[Exception | None], None]], None]


class SimulatedPort(AsyncioPort):
    """One task's world; what it tells waits while the task's process stands still, and ends with the process."""

    def __init__(
        self,
        kernel: Kernel,
        client: DynamoDbClient,
        draws: Any,
        requests: Requests,
        key_names: Sequence[str],
        failed: Callable[[Exception], None],
    ) -> None:
        self._kernel = kernel
        self._failed = failed
        current: Any = getcurrent()
        self._owner: Any = current.task.owner
        self._reads = self._writes = WireCalls(self, client)
        self._requests, self._key_names = requests, key_names
        self._is_closed = False
        self.clock = kernel.clock
        self.draw = draws.random

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        self._kernel.after(seconds, lambda: self.tell(act))

    def tell(self, act: Callable[[], None]) -> None:
        """Let the process act, once it no longer stands still; an error ends the task, as in the event loop."""
        if self._is_closed:
            return
        thaws = getattr(self._owner, "frozen_until", 0.0)
        if thaws > self._kernel.now:
            self._kernel.at(thaws, lambda: self.tell(act))
            return
        try:
            act()
        except Exception as error:  # noqa: BLE001  the event loop's handler does the same
            self._failed(error)

    def aside(self, work: Callable[[], Value], then: Then[Value]) -> None:
        def ended(task: Task) -> None:
            if not task.killed:
                outcome = task.error if task.error is not None else task.result
                self._kernel.after(0.0, lambda: self.tell(lambda: then(outcome)))

        task = self._kernel.spawn(work, self._owner, ended)
        self._owner.tasks.append(task)


class WireCalls:
    """Serves request bodies with answer bodies, by the simulated client of one attempt."""

    def __init__(self, port: SimulatedPort, client: DynamoDbClient) -> None:
        self._port = port
        self._client = client

    def call(self, operation: str, body: bytes, seconds: float, then: Callable[[bytes | Exception], None]) -> None:
        self._port.aside(lambda: self._served(operation, json.loads(body)), then)

    def close(self) -> None:
        return None

    def _served(self, operation: str, request: dict[str, Any]) -> bytes | Exception:
        request.pop("ReturnConsumedCapacity", None)
        try:
            answer = self._scan(request) if operation == "Scan" else self._write(request)
        except (BotoCoreError, ClientError) as error:
            return error
        return _dumps(answer).encode()

    def _scan(self, request: dict[str, Any]) -> dict[str, Any]:
        answer = self._client.scan(**request)
        return {**answer, "Items": [event_form(item) for item in answer["Items"]]}

    def _write(self, request: dict[str, Any]) -> dict[str, Any]:
        ((table, puts),) = request["RequestItems"].items()
        items = [_boto_form(put["PutRequest"]["Item"]) for put in puts]
        left = self._client.batch_write_item({table: [{"PutRequest": {"Item": item}} for item in items]})
        rest = [event_form(put["PutRequest"]["Item"]) for put in left["UnprocessedItems"].get(table, [])]
        units = [{"TableName": table, "CapacityUnits": float(len(items))}]
        found = {table: [{"PutRequest": {"Item": item}} for item in rest]} if rest else {}
        return {"UnprocessedItems": found, "ConsumedCapacity": units}


def _boto_form(item: dict[str, Any]) -> dict[str, Any]:
    return {name: _boto_value(value) for name, value in item.items()}


def _boto_value(value: dict[str, Any]) -> dict[str, Any]:
    ((kind, content),) = value.items()
    if kind == "B":
        return {kind: base64.b64decode(content)}
    if kind == "BS":
        return {kind: [base64.b64decode(member) for member in content]}
    if kind == "L":
        return {kind: [_boto_value(member) for member in content]}
    if kind == "M":
        return {kind: _boto_form(content)}
    return {kind: content}


def simulated_run(kernel: Kernel, draws: Any) -> Callable[..., None]:
    """Return what stands for `asyncio_port.run`: it blocks the calling task until the engine has finished."""

    def run(ends: tuple[End, End], requests: Requests, key_names: Sequence[str], start: Start) -> None:
        ports: list[SimulatedPort] = []

        def begin(answer: Callable[[Any], None]) -> None:
            ports.append(SimulatedPort(kernel, ends[0].client, draws, requests, key_names, answer))
            start(ports[0], answer)

        try:
            error = kernel.answer_of(begin)
        finally:
            ports[0].close()
        if error is not None:
            raise error

    return run
