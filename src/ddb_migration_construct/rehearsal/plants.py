"""Planted faults: a bug put into the deployed copy of a function, to show that the rehearsal would see it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class PlantNotPossible(Exception):
    """The place where the fault belongs was not found, so the rehearsal would prove nothing."""


@dataclass(frozen=True)
class Change:
    """A change of a function's source: in `path` of its asset, `right` (there once) becomes `wrong`."""

    path: str
    right: str
    wrong: str


PLANTS: dict[str, tuple[Change, ...]] = {
    # Every message in a group of its own: SQS then keeps no order. Coalescing and the watermark hide most of what
    # that does, the one by sending fewer changes of a key, the other by refusing old ones; so both are off as well.
    "random-group": (
        Change(
            "stream_processor/handler.py",
            "group=message_group(change.key),",
            "group=uuid.uuid4().hex,",
        ),
        Change(
            "stream_processor/handler.py",
            "for change in newest_per_key(changes)]",
            "for change in changes]",
        ),
        Change(
            "write_cdc/apply.py",
            "if watermark is not None and not self._raised(message.key, watermark):",
            "if watermark is not None and self._raised(message.key, watermark) is None:",
        ),
    ),
    "acknowledge-unwritten": (
        Change(
            "write_cdc/apply.py",
            "            self._write(message)\n",
            '            if str(message.number)[-1] not in "37":\n                self._write(message)\n',
        ),
    ),
}


def plant(assembly: Path, name: str) -> None:
    """Put the fault of that name into the synthesised assembly, before it is deployed.

    Raises PlantNotPossible when a function or a line is not there, or not there exactly once.
    """
    for change in PLANTS[name]:
        _apply(assembly, name, change)


def _apply(assembly: Path, name: str, change: Change) -> None:
    sources = sorted(assembly.glob(f"asset.*/{change.path}"))
    if len(sources) != 1:
        raise PlantNotPossible(f"{name}: the assembly holds {len(sources)} files {change.path!r}; one is needed")
    text = sources[0].read_text("utf-8")
    if text.count(change.right) != 1:
        raise PlantNotPossible(f"{name}: {change.path!r} does not hold {change.right!r} exactly once")
    sources[0].write_text(text.replace(change.right, change.wrong), "utf-8")
