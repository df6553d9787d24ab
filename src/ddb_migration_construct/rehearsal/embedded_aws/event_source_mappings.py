"""Event source mappings: checked as AWS checks them at creation, polled by own pollers.

What differs from AWS: a mapping is Enabled at once; mappings that CloudFormation creates are not checked;
a mapping's batches in flight are awaited as Disabling or Deleting, at most a second longer than they last.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from ministack.services import lambda_svc

from .clients import root
from .faults import Faults
from .mapping_checks import check_new_mapping
from .poller import NOTHING_YET, Poller
from .queue_poller import QueuePoller
from .services import Answer, Request, off_the_loop, put_in_front
from .settings import Settings
from .stream_poller import StreamPoller, StreamPosition

_REFRESH_SECONDS = 0.3
_PATH = "/event-source-mappings"


class Mappings:
    """Keeps one poller for each enabled mapping."""

    def __init__(self, settings: Settings, faults: Faults) -> None:
        self._settings = settings
        self._faults = faults
        self._pollers: dict[str, Poller] = {}
        self._positions: dict[str, StreamPosition] = {}
        self._results: dict[str, str] = {}
        self._lock = threading.RLock()

    def watch(self) -> None:
        """Look for new, changed and removed mappings for ever; CloudFormation makes some."""
        while True:
            time.sleep(_REFRESH_SECONDS)
            if lambda_svc._esms.has_any() or self._pollers:
                try:
                    self.refresh()
                except (ClientError, BotoCoreError) as error:
                    print(f"event source mappings could not be listed: {error}", file=sys.stderr)

    def refresh(self) -> None:
        """Bring the pollers up to the mappings as they are now."""
        pages = root["lambda"].get_paginator("list_event_source_mappings").paginate()
        mappings = {mapping["UUID"]: mapping for page in pages for mapping in page["EventSourceMappings"]}
        with self._lock:
            for identifier, mapping in mappings.items():
                self._refresh_one(identifier, mapping)
            for identifier in self._pollers.keys() - mappings.keys():
                self._stop(identifier)
            for identifier in self._positions.keys() - mappings.keys() - self._pollers.keys():
                del self._positions[identifier]

    def _refresh_one(self, identifier: str, mapping: dict[str, Any]) -> None:
        poller = self._pollers.get(identifier)
        outdated = poller and (poller.stopping.is_set() or _differs(poller.mapping, mapping))
        if mapping["State"] != "Enabled" or outdated:
            self._stop(identifier)
        elif poller is None:
            self._pollers[identifier] = self._new_poller(identifier, mapping)
            self._pollers[identifier].start()

    def _new_poller(self, identifier: str, mapping: dict[str, Any]) -> Poller:
        if ":sqs:" in mapping["EventSourceArn"]:
            return QueuePoller(mapping, self._faults, self._settings.wait_scale)
        position = self._positions.setdefault(identifier, StreamPosition())
        return StreamPoller(mapping, self._faults, position)

    def _stop(self, identifier: str) -> None:
        poller = self._pollers.get(identifier)
        if poller is None:
            return
        poller.stopping.set()
        self._results[identifier] = poller.result
        if not poller.is_busy():
            del self._pollers[identifier]

    def stop_at_once(self, identifier: str) -> None:
        """Let a mapping that was disabled or deleted take no further batch."""
        with self._lock:
            self._stop(identifier)

    def shown(self, mapping: dict[str, Any]) -> dict[str, Any]:
        """The mapping as GetEventSourceMapping shows it, with the poller's state and last result."""
        identifier = mapping["UUID"]
        poller = self._pollers.get(identifier)
        result = poller.result if poller else self._results.get(identifier, NOTHING_YET)
        winding_down = poller is not None and poller.stopping.is_set() and poller.is_busy()
        state = "Disabling" if winding_down and mapping["State"] == "Disabled" else mapping["State"]
        return {**mapping, "State": state, "LastProcessingResult": result}

    def being_deleted(self, identifier: str) -> dict[str, Any] | None:
        """A mapping that MiniStack has forgotten while a batch of it is still in flight."""
        poller = self._pollers.get(identifier)
        if poller is None or not poller.is_busy():
            return None
        return {**poller.mapping, "State": "Deleting", "LastProcessingResult": poller.result}


def _differs(polled: dict[str, Any], current: dict[str, Any]) -> bool:
    ignored = ("LastModified", "LastProcessingResult", "State", "StateTransitionReason")
    return any(current.get(name) != polled.get(name) for name in {*polled, *current} - {*ignored})


def _shown_content(mappings: Mappings, content: Any) -> Any:
    if "EventSourceMappings" in content:
        shown = [mappings.shown(mapping) for mapping in content["EventSourceMappings"]]
        return {**content, "EventSourceMappings": shown}
    return mappings.shown(content) if "UUID" in content else content


async def _answer(mappings: Mappings, request: Request) -> Answer:
    identifier = request.path.rstrip("/").partition(_PATH)[2].strip("/")
    if request.method == "POST":
        await off_the_loop(check_new_mapping, request.json())
    status, headers, body = await request.passed_on()
    if request.method in ("PUT", "DELETE") and status < 300:
        mappings.stop_at_once(identifier)
    if request.method == "GET" and status == 404 and (left := mappings.being_deleted(identifier)):
        return 200, headers, json.dumps(left, default=str).encode()
    if status >= 300 or request.method not in ("GET", "PUT"):
        return status, headers, body
    return status, headers, json.dumps(_shown_content(mappings, json.loads(body))).encode()


def _switch_off_native_pollers() -> None:
    lambda_svc._poll_sqs = lambda: False
    lambda_svc._poll_dynamodb_streams = lambda: False


def install(settings: Settings, faults: Faults) -> None:
    """Replace MiniStack's pollers of streams and queues."""
    _switch_off_native_pollers()
    mappings = Mappings(settings, faults)

    async def answer(request: Request) -> Answer:
        if _PATH not in request.path:
            return await request.passed_on()
        return await _answer(mappings, request)

    put_in_front("lambda", answer)
    threading.Thread(target=mappings.watch, name="event source mappings", daemon=True).start()
