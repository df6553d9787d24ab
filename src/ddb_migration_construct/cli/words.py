"""Numbers and durations as people read them."""

from __future__ import annotations

import re

# What AWS-side code says of commands bears no name where it is the same for every migration.
_WITHOUT_NAME = re.compile(
    r"ddb-migration (?:abort|accept|complete|cut-over|report|reread|resume|roll-back|start|status|verify)\b(?! \S+/)"
)


def addressed(text: str, migration: str) -> str:
    """Return text in which every command names the migration, so that it can be pasted as it is."""
    return _WITHOUT_NAME.sub(rf"\g<0> {migration}", text)


def count(number: float | None) -> str:
    """Return a number with its thousands apart."""
    return "?" if number is None else f"{number:,.0f}"


def duration(seconds: float | None) -> str:
    """Return a duration in its two largest units: `4 s`, `3 min 20 s`, `2 h 5 min`, `6 d 3 h`."""
    if seconds is None:
        return "unknown"
    whole = int(seconds)
    for size, unit, smaller, name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {name}" if rest else "")
    return f"{whole} s"


def roughly(seconds: float | None) -> str:
    """Return a duration in its largest unit: `4 s`, `3 min`, `2 h`, `6 d`."""
    return "?" if seconds is None else " ".join(duration(seconds).split()[:2])


def between(source: str, destination: str) -> str:
    """Return the way from one table to the other."""
    return f"{source} -> {destination}"
