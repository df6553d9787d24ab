"""Lambda in memory: event source mappings, and functions that answer an invocation.

States and conflicts: Lambda API, CreateEventSourceMapping and DeleteEventSourceMapping.
"""

from __future__ import annotations

import datetime
import io
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from tests.fakes.client_errors import FakeClient, Paginator, client_error

CHANGING = ("Creating", "Enabling", "Disabling", "Updating", "Deleting")


class FakeLambda(FakeClient):
    """Mappings by UUID; a change takes effect at `settle`, at once where `slow` is False.

    `roles_ready` tells whether a function's role may read its source; `answers` holds what functions answer.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self.mappings: dict[str, dict[str, Any]] = {}
        self.slow = False
        self.roles_ready = True
        self.answers: dict[str, Callable[[Any], Any]] = {}
        self._clock = clock

    def create_event_source_mapping(self, **request: Any) -> dict[str, Any]:
        self.called("CreateEventSourceMapping", request)
        if not self.roles_ready:
            message = "Cannot access stream. Please ensure the role can perform the GetRecords"
            raise client_error("CreateEventSourceMapping", "InvalidParameterValueException", message)
        if self._found(request):
            raise client_error("CreateEventSourceMapping", "ResourceConflictException", "already exists", 409)
        uuid = f"mapping-{len(self.calls)}"
        settings = {name: value for name, value in request.items() if name not in ("FunctionName", "Enabled")}
        self.mappings[uuid] = {**settings, "UUID": uuid, "FunctionArn": request["FunctionName"], "State": "Creating"}
        return self._changed(uuid)

    def update_event_source_mapping(self, **request: Any) -> dict[str, Any]:
        mapping = self._mapping("UpdateEventSourceMapping", request)
        enabled = request.get("Enabled", True)
        settings = {name: value for name, value in request.items() if name not in ("UUID", "Enabled")}
        mapping.update(settings, State="Enabling" if enabled else "Disabling")
        return self._changed(request["UUID"])

    def delete_event_source_mapping(self, **request: Any) -> dict[str, Any]:
        self._mapping("DeleteEventSourceMapping", request)["State"] = "Deleting"
        return self._changed(request["UUID"])

    def get_paginator(self, operation: str) -> Paginator:
        assert operation == "list_event_source_mappings"
        return Paginator(self._pages)

    def settle(self) -> None:
        """Let all changes take effect."""
        for uuid, mapping in list(self.mappings.items()):
            if mapping["State"] == "Deleting":
                del self.mappings[uuid]
            elif mapping["State"] in CHANGING:
                mapping["State"] = "Disabled" if mapping["State"] == "Disabling" else "Enabled"

    def invoke(self, **request: Any) -> dict[str, Any]:
        """The function's answer; what it raises is the function's own error."""
        self.called("Invoke", request)
        try:
            answer, failed = self.answers[request["FunctionName"]](json.loads(request["Payload"])), {}
        except RuntimeError as error:
            answer = {"errorType": type(error).__name__, "errorMessage": str(error)}
            failed = {"FunctionError": "Unhandled"}
        return {"Payload": io.BytesIO(json.dumps(answer).encode()), **failed}

    def _pages(self, request: Mapping[str, Any]) -> list[dict[str, Any]]:
        self.called("ListEventSourceMappings", request)
        # One mapping a page, so that whoever reads one page only is found out.
        return [{"EventSourceMappings": [dict(mapping)]} for mapping in self._found(request)] or [
            {"EventSourceMappings": []}
        ]

    def _found(self, request: Mapping[str, Any]) -> list[dict[str, Any]]:
        wanted = {"FunctionArn": request.get("FunctionName"), "EventSourceArn": request.get("EventSourceArn")}
        return [
            mapping
            for mapping in self.mappings.values()
            if all(value is None or mapping[name] == value for name, value in wanted.items())
        ]

    def _mapping(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        self.called(operation, request)
        mapping = self.mappings.get(request["UUID"])
        if mapping is None:
            raise client_error(operation, "ResourceNotFoundException", "The resource you requested does not exist", 404)
        if mapping["State"] in CHANGING:
            raise client_error(operation, "ResourceInUseException", "Cannot update the event source mapping", 400)
        return mapping

    def _changed(self, uuid: str) -> dict[str, Any]:
        self.mappings[uuid]["LastModified"] = datetime.datetime.fromtimestamp(self._clock(), datetime.timezone.utc)
        answer = dict(self.mappings[uuid])
        if not self.slow:
            self.settle()
        return answer
