"""What tables were like a while ago: the writes of the last minutes, with what stood there before each."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from ministack.services import dynamodb

_KEPT_SECONDS = 900.0

Item = dict[str, Any]


@dataclass(frozen=True)
class _Write:
    moment: float
    key: str
    before: Item | None


_writes: dict[str, deque[_Write]] = {}
_lock = threading.Lock()


def _key(table_name: str, item: Item) -> str:
    table = dynamodb._tables.get(table_name)
    names = [name for name in (table["pk_name"], table["sk_name"]) if name]
    return json.dumps([item[name] for name in names], sort_keys=True)


def _note(table_name: str, before: Item | None, after: Item | None) -> None:
    now = time.time()
    with _lock:
        writes = _writes.setdefault(table_name, deque())
        writes.append(_Write(now, _key(table_name, before or after or {}), before))
        while writes[0].moment < now - _KEPT_SECONDS:
            writes.popleft()


def as_of(table_name: str, items: list[Item], moment: float) -> list[Item]:
    """Return the table's items as they stood at a moment (epoch seconds), from those that stand there now.

    What was written more than fifteen minutes ago counts as always having been there.
    """
    found: dict[str, Item | None] = {_key(table_name, item): item for item in items}
    with _lock:
        later = [write for write in _writes.get(table_name, ()) if write.moment > moment]
    for write in reversed(later):
        found[write.key] = write.before
    return [item for item in found.values() if item is not None]


def install() -> None:
    """Note every write where MiniStack makes its stream record, stream or not."""
    original = dynamodb._emit_stream_event

    def emit(table_name: str, event_name: str, old_item: Item | None, new_item: Item | None, **more: Any) -> None:
        if dynamodb._tables.get(table_name) and (old_item or new_item):
            _note(table_name, old_item, new_item)
        original(table_name, event_name, old_item, new_item, **more)

    dynamodb._emit_stream_event = emit
