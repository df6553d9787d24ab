"""Late changes: what the source was still told after the cut-over, one row of the control table for each key."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ddb_migration.aws.rows import Rows
from ddb_migration.core.attribute_values import Item
from ddb_migration.core.item_key import canonical_key, message_group


@dataclass(frozen=True)
class LateChanges:
    """How many keys changed at the source after the cut-over, and when the last of them did (epoch seconds)."""

    keys: int
    last_at: float | None


class LateChangeRows:
    """The late changes of one epoch."""

    def __init__(self, rows: Rows, epoch: str) -> None:
        self._rows = rows
        self._partition = f"late#{epoch}"

    def note(self, key: Item, number: str, created: float) -> None:
        """Keep a key that changed late; `created` is when, in epoch seconds."""
        sets = "SET #item_key = :item_key, #number = :number, #at = :at ADD #changes :one"
        values = {"item_key": canonical_key(key), "number": number, "at": created, "one": 1}
        self._rows.update(self._partition, message_group(key), sets, values)

    def found(self) -> LateChanges:
        """Return what is known of late changes."""
        times = [row["at"] for _, row in self._rows.query(self._partition)]
        return LateChanges(len(times), max(times, default=None))

    def keys(self) -> Iterable[str]:
        """Yield the canonical text of each key that changed late."""
        return (row["item_key"] for _, row in self._rows.query(self._partition))
