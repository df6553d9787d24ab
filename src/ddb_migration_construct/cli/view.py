"""Where progress is shown, of `status --watch` and of a rehearsal: a terminal gets the live view, a file lines."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Protocol, TextIO

from ddb_migration_construct.cli.plain_status import progress_line
from ddb_migration_construct.cli.reading import Status
from ddb_migration_construct.cli.samples import Seen

_LINE_EVERY_SECONDS = 3.0
# To these a live view shows nothing before its end: an editor's shell, a pipeline with a terminal.
_DUMB = ("dumb", "unknown")


class View(Protocol):
    """Where progress is shown."""

    def begin(self, phase: str) -> None:
        """Show that a phase has begun."""

    def end(self, phase: str, seconds: float) -> None:
        """Show that a phase has ended, and its duration."""

    def say(self, text: str) -> None:
        """Show one event."""

    def show(self, counts: Mapping[str, object]) -> None:
        """Show the counts of the moment, in place of earlier ones where possible."""

    def show_migrations(self, statuses: Sequence[Status]) -> None:
        """Show migrations as they are at the moment, in place of earlier looks where possible."""

    def close(self) -> None:
        """Leave the output as it is and end."""


class LineView:
    """Plain lines with the seconds since the start; the moment at most every few seconds, and only what is new."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._began = time.monotonic()
        self._shown: list[str] = []
        self._shown_at = float("-inf")
        self._seen = Seen()

    def begin(self, phase: str) -> None:
        """Print that a phase has begun."""
        self.say(f"{phase} ...")

    def end(self, phase: str, seconds: float) -> None:
        """Print a phase's duration."""
        self.say(f"{phase}: {seconds:.1f} s")

    def say(self, text: str) -> None:
        """Print one event."""
        print(f"[{time.monotonic() - self._began:6.1f} s] {text}", file=self._stream, flush=True)

    def show(self, counts: Mapping[str, object]) -> None:
        """Print the counts if they have changed and the last line of counts is old enough."""
        self._show([counts_text(counts)])

    def show_migrations(self, statuses: Sequence[Status]) -> None:
        """Print a line for each migration of which something has changed, if the last lines are old enough."""
        self._seen.add(statuses)
        self._show([progress_line(status, samples) for status, samples in self._seen.newest])

    def close(self) -> None:
        """Do nothing: lines stay as they are."""

    def _show(self, lines: list[str]) -> None:
        if time.monotonic() - self._shown_at < _LINE_EVERY_SECONDS:
            return
        new = [line for line in lines if line not in self._shown]
        for line in new:
            self.say(line)
        if new:
            self._shown, self._shown_at = lines, time.monotonic()


def view_for(stream: TextIO | None = None) -> View:
    """Return the live view when the stream (default: standard output) is a terminal that can move up, else lines."""
    target = stream or sys.stdout
    if not target.isatty() or os.environ.get("TERM", "").lower() in _DUMB:
        return LineView(target)
    # Imported here because rich takes its time, and lines do without it.
    from ddb_migration_construct.cli.live_view import LiveView

    return LiveView(target)


def counts_text(counts: Mapping[str, object]) -> str:
    """Return the counts as one line."""
    return " · ".join(f"{name} {value}" for name, value in counts.items())
