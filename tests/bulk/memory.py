"""Units whose items are in memory."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ddb_migration.aws.bulk_port import Port, Then
from ddb_migration.core.attribute_values import with_base64
from ddb_migration.core.item_text import Portion, line_text


def text_of(item: Mapping[str, Any]) -> bytes:
    """The text of an item in boto3's shape."""
    return line_text(json.dumps({"Item": with_base64(item)}).encode())


class MemoryReader:
    """Reads units of items in boto3's shape; a position is the number of items before it."""

    def __init__(self, port: Port, units: Mapping[str, Sequence[Mapping[str, Any]]], most: int = 10**6) -> None:
        self._port, self._most = port, most
        self._units = {unit: [text_of(item) for item in items] for unit, items in units.items()}
        self.reads: list[tuple[str, int]] = []

    def read(self, unit: str, position: str | None, limit: int, then: Then[Portion]) -> None:
        start = int(position or 0)
        self.reads.append((unit, start))
        end = start + min(limit, self._most)
        items = self._units[unit][start:end]
        portion = Portion(items, str(end) if end < len(self._units[unit]) else None, float(len(items)))
        self._port.later(0.005, lambda: then(portion))
