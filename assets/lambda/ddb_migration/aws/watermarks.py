"""Watermarks and parked keys: one row of the control table for each item key that a change touched."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ddb_migration.aws.rows import ConditionFailed, Rows
from ddb_migration.core.attribute_values import Item
from ddb_migration.core.changed_index import partition_of
from ddb_migration.core.generations import ACCEPTED, PARKED
from ddb_migration.core.item_key import canonical_key, watermark_id
from ddb_migration.core.watermark import change_of
from ddb_migration.names import ACCEPTED as ACCEPTED_LIST
from ddb_migration.names import CHANGED_IN, PARKED_EPOCH, RAISED_AT

_SK = "watermark"
_NOT_NEWER = "attribute_not_exists(#number) OR #number <= :number"
# An equal number is of an attempt that died before its write, unless the key is parked: then it was tried to its end,
# and what raises it once more is a copy, or a call whose client gave it up, and must not take the note away.
_UNTRIED = f"(#number = :number AND attribute_not_exists(#{PARKED_EPOCH}))"
_NEWER = f"attribute_not_exists(#number) OR #number < :number OR {_UNTRIED}"
# After the cut-over the application writes to the destination: a copy of a change that was applied before it would
# undo what it wrote. What was raised since is a retry of a late change.
_LATE = (
    f"attribute_not_exists(#number) OR #number < :change OR ((#number < :number OR {_UNTRIED}) AND #at >= :late_since)"
)
_UNPARK = f"#{PARKED_EPOCH}, #parked_reason, #parked_at"


def list_names(epoch: str) -> dict[str | None, str]:
    """Return what the two lists of an epoch are called, by what a row's attribute PARKED_EPOCH then holds."""
    return {epoch: PARKED, ACCEPTED_LIST + epoch: ACCEPTED}


class Watermarks:
    """The watermarks of one stream; `clock` gives epoch seconds, `shards` are those of the index of changed keys."""

    def __init__(self, rows: Rows, stream_arn: str, clock: Callable[[], float], shards: int = 1) -> None:
        self._rows = rows
        self._stream_arn = stream_arn
        self._clock = clock
        self._shards = shards

    def raise_to(self, key: Item, number: str, late_since: float | None = None) -> bool:
        """Raise a key's watermark; False when it stands higher, so that the caller's change is stale.

        An equal number passes: an attempt that died between this and its write is repeated. Not that of a parked key,
        whose write was rejected. What an older change has parked is settled by the write that follows. After a
        cut-over at `late_since` (epoch seconds) an equal number passes only where it was raised since then. The write
        comes after this, so whoever asks for the keys changed since a moment is told of every write since then.
        """
        now = self._clock()
        sets = f"SET #number = :number, #item_key = :item_key, #at = :at, #{CHANGED_IN} = :partition"
        values = {"number": number, "item_key": canonical_key(key), "at": now}
        values["partition"] = partition_of(watermark_id(self._stream_arn, key), now, self._shards)
        when = _NEWER
        if late_since is not None:
            values, when = {**values, "change": change_of(number), "late_since": late_since}, _LATE
        try:
            self._update(key, f"{sets} REMOVE {_UNPARK}", values, when)
        except ConditionFailed:
            return False
        return True

    def note_write(self, key: Item) -> None:
        """Keep that a key is about to be written by a reread that stands for no change; its watermark stays."""
        now = self._clock()
        values = {"item_key": canonical_key(key), "at": now}
        values["partition"] = partition_of(watermark_id(self._stream_arn, key), now, self._shards)
        self._update(key, f"SET #item_key = :item_key, #at = :at, #{CHANGED_IN} = :partition", values)

    def number(self, key: Item) -> str | None:
        """Return a key's watermark, None where it has none."""
        found: str | None = self._rows.get(watermark_id(self._stream_arn, key), _SK).get("number")
        return found

    def raised_at(self, key: Item) -> float | None:
        """Return when a key's watermark was raised last, in epoch seconds, None where it has none."""
        found: float | None = self._rows.get(watermark_id(self._stream_arn, key), _SK).get(RAISED_AT)
        return found

    def numbers(self, keys: Iterable[Item]) -> dict[str, str]:
        """Return the watermarks of keys by their canonical text; a key without one is left out."""
        by_row = {(watermark_id(self._stream_arn, key), _SK): canonical_key(key) for key in keys}
        found = self._rows.get_many(by_row)
        return {by_row[place]: row["number"] for place, row in found.items() if "number" in row}

    def lists(self, keys: Iterable[Item], epoch: str) -> dict[str, str]:
        """Return the list (PARKED, ACCEPTED) that a key is in, by canonical text; one in neither is left out."""
        by_row = {(watermark_id(self._stream_arn, key), _SK): canonical_key(key) for key in keys}
        names, found = list_names(epoch), self._rows.get_many(by_row)
        told = {by_row[place]: names.get(row.get(PARKED_EPOCH)) for place, row in found.items()}
        return {text: name for text, name in told.items() if name is not None}

    def park(self, key: Item, epoch: str, reason: str, number: str | None = None) -> None:
        """Keep a key that the destination rejects, with the reason, unless a newer change was applied since.

        Without a number nothing newer can exist: the bulk load ends before apply begins.
        """
        sets = f"SET #{PARKED_EPOCH} = :epoch, #parked_reason = :reason, #parked_at = :at, #item_key = :item_key"
        values: dict[str, Any] = {"epoch": epoch, "reason": reason, "at": self._clock()}
        values["item_key"] = canonical_key(key)
        when = None
        if number is not None:
            values["number"], when = number, _NOT_NEWER
        try:
            self._update(key, sets, values, when)
        except ConditionFailed:
            return

    def unpark(self, key: Item) -> None:
        """Settle a parked key without a change: a reread that no change asked for has written it."""
        self._update(key, f"REMOVE {_UNPARK}", {})

    def accept(self, key: Item, epoch: str, reason: str, by: str) -> bool:
        """Settle a parked key as it is, on record; False when it is not parked.

        The row moves to the list of accepted keys and keeps why it was parked. Another park takes it back: what
        was accepted is one version of the item, not the next.
        """
        sets = f"SET #{PARKED_EPOCH} = :accepted, #accepted_reason = :reason, #accepted_by = :by, #accepted_at = :now"
        values = {"accepted": ACCEPTED_LIST + epoch, "reason": reason, "by": by, "now": self._clock(), "epoch": epoch}
        try:
            self._update(key, sets, values, f"#{PARKED_EPOCH} = :epoch")
        except ConditionFailed:
            return False
        return True

    def _update(self, key: Item, expression: str, values: dict[str, Any], when: str | None = None) -> None:
        self._rows.update(watermark_id(self._stream_arn, key), _SK, expression, values, when)
