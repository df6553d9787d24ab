"""Simulated event source mappings: states that take time to change, and the client that asks for the changes."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from typing import Any

from tests.simulation.failures import refused
from tests.simulation.faults import Faults
from tests.simulation.functions import Function
from tests.simulation.kernel import Kernel
from tests.simulation.services import Calls, Paginator


class Mapping:
    """One mapping; subclasses read a source of events while `active`."""

    def __init__(self, kernel: Kernel, uuid: str, function: Function, source: str, settings: dict[str, Any]) -> None:
        self.kernel = kernel
        self.uuid = uuid
        self.function = function
        self.source = source
        self.settings = settings
        self.state = "Creating"
        self.problem: str | None = None
        self.changed_at = kernel.now

    @property
    def active(self) -> bool:
        return self.state == "Enabled"

    def turn(self, state: str, after: float, then: Callable[[], None]) -> None:
        """Pass through a state into what follows it."""
        self._become(state)
        self.kernel.after(after, then)

    def enabled(self) -> None:
        if self.state != "Deleting":
            self._become("Enabled")
            self.poke()

    def disabled(self) -> None:
        if self.state != "Deleting":
            self._become("Disabled")

    def _become(self, state: str) -> None:
        self.state = state
        self.changed_at = self.kernel.now

    def poke(self) -> None:
        """Look whether there is something to read."""

    def shown(self) -> dict[str, Any]:
        """Return what ListEventSourceMappings tells."""
        return {
            "UUID": self.uuid,
            "FunctionArn": self.function.arn,
            "EventSourceArn": self.source,
            "State": self.state,
            "LastModified": datetime.datetime.fromtimestamp(self.changed_at, datetime.timezone.utc),
            "LastProcessingResult": self.problem or "OK",
            **self.settings,
        }


Maker = Callable[[str, Function, str, dict[str, Any]], Mapping]


class MappingService:
    """All mappings of the account."""

    def __init__(self, kernel: Kernel, faults: Faults, make: Maker) -> None:
        self.kernel = kernel
        self._faults = faults
        self.functions: dict[str, Function] = {}
        self.mappings: dict[str, Mapping] = {}
        self._draws = faults.draws("mappings")
        self._make = make
        self._made = 0

    def create(self, function: str, source: str, settings: dict[str, Any]) -> Mapping:
        if any(True for _ in self.of(function, source)):
            text = "The event source arn and function provided mapping already exists. Please update or delete it."
            raise refused("ResourceConflictException", text, "CreateEventSourceMapping", 409)
        self._made += 1
        mapping = self._make(f"mapping-{self._made}", self.functions[function], source, settings)
        self.mappings[mapping.uuid] = mapping
        seconds = self._draws.choice((3, 20, 100)) * (0.5 + self._draws.random())
        mapping.turn("Creating", self._slowly(seconds), mapping.enabled)
        return mapping

    def of(self, function: str | None, source: str | None) -> Iterator[Mapping]:
        for mapping in self.mappings.values():
            if function in (None, mapping.function.arn) and source in (None, mapping.source):
                yield mapping

    def switch(self, uuid: str, enabled: bool, changed: dict[str, Any]) -> Mapping:
        mapping = self._settled(uuid, "UpdateEventSourceMapping")
        mapping.settings.update(changed)
        on, seconds = ("Enabling", mapping.enabled), self._draws.uniform(1, 30)
        state, then = on if enabled else ("Disabling", mapping.disabled)
        mapping.turn(state, self._slowly(seconds), then)
        return mapping

    def delete(self, uuid: str) -> Mapping:
        mapping = self._settled(uuid, "DeleteEventSourceMapping")
        mapping.turn("Deleting", self._slowly(self._draws.uniform(1, 30)), lambda: self._forget(uuid))
        return mapping

    def _slowly(self, seconds: float) -> float:
        """Return how long a change takes: "may take several minutes", says Lambda's guide to DynamoDB."""
        return self._faults.draws("slow-mapping").uniform(60, 400) if self._faults.at("slow-mapping", 0.1) else seconds

    def _forget(self, uuid: str) -> None:
        self.mappings.pop(uuid, None)

    def _settled(self, uuid: str, operation: str) -> Mapping:
        if uuid not in self.mappings:
            raise refused("ResourceNotFoundException", "no such mapping", operation, 404)
        mapping = self.mappings[uuid]
        if mapping.state not in ("Enabled", "Disabled"):
            raise refused("ResourceInUseException", f"the mapping is {mapping.state}", operation)
        return mapping


class LambdaClient:
    """The client `lambda`."""

    def __init__(self, service: MappingService, calls: Calls) -> None:
        self._service = service
        self._calls = calls

    def get_paginator(self, operation: str) -> Paginator:
        return Paginator(self._list)

    def _list(self, FunctionName: str | None = None, EventSourceArn: str | None = None) -> dict[str, Any]:  # noqa: N803
        return self._calls.make(
            "ListEventSourceMappings",
            lambda: {
                "EventSourceMappings": [found.shown() for found in self._service.of(FunctionName, EventSourceArn)]
            },
        )

    def create_event_source_mapping(self, **request: Any) -> dict[str, Any]:
        function, source = request.pop("FunctionName"), request.pop("EventSourceArn")
        request.pop("Enabled")
        return self._calls.make(
            "CreateEventSourceMapping", lambda: self._service.create(function, source, dict(request)).shown()
        )

    def update_event_source_mapping(self, UUID: str, Enabled: bool, **changed: Any) -> dict[str, Any]:  # noqa: N803
        return self._calls.make(
            "UpdateEventSourceMapping", lambda: self._service.switch(UUID, Enabled, changed).shown()
        )

    def delete_event_source_mapping(self, UUID: str) -> dict[str, Any]:  # noqa: N803
        return self._calls.make("DeleteEventSourceMapping", lambda: self._service.delete(UUID).shown())

    def invoke(self, FunctionName: str, Payload: str) -> dict[str, Any]:  # noqa: N803
        return self._calls.make("Invoke", lambda: {"Payload": _Body(b'{"denied": []}')})


class _Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self) -> bytes:
        return self._content
