"""The simulated client of EventBridge: what a migration announces reaches the application."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.simulation.services import Calls


class MetricsClient:
    """The client `cloudwatch`: metrics are no part of any protocol, so no call of it fails."""

    def put_metric_data(self, **request: Any) -> dict[str, Any]:
        return {}


class EventsClient:
    """The client `events`; `announced` is told of each event's detail."""

    def __init__(self, calls: Calls, announced: Callable[[dict[str, Any]], None]) -> None:
        self._calls = calls
        self._announced = announced

    def put_events(self, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        def effect() -> dict[str, Any]:
            for entry in Entries:
                self._announced(json.loads(entry["Detail"]))
            return {"FailedEntryCount": 0, "Entries": [{} for _ in Entries]}

        return self._calls.make("PutEvents", effect)
