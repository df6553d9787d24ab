"""Live progress of a rehearsal: timed phases and the counts of the moment."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Protocol, TextIO

_LINE_EVERY_SECONDS = 3.0


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

    def close(self) -> None:
        """Leave the output as it is and end."""


class Progress:
    """The phases of one rehearsal, timed in `phases` (seconds by name), and shown in a view.

    Use as a context manager, so that a live view is closed whatever happens.
    """

    def __init__(self, view: View) -> None:
        self.phases: dict[str, float] = {}
        self._view = view

    def __enter__(self) -> Progress:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the view."""
        self._view.close()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time what happens inside as one phase; a phase that fails is timed too."""
        began = time.monotonic()
        self._view.begin(name)
        try:
            yield
        finally:
            self.record(name, time.monotonic() - began)

    def record(self, name: str, seconds: float) -> None:
        """Note a phase that was timed elsewhere, because it ran beside others."""
        self.phases[name] = round(seconds, 2)
        self._view.end(name, seconds)

    def say(self, text: str) -> None:
        """Show one event."""
        self._view.say(text)

    def show(self, counts: Mapping[str, object]) -> None:
        """Show the counts of the moment."""
        self._view.show(counts)


class LineView:
    """Plain lines with the seconds since the start; counts at most every few seconds, and only new ones."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._began = time.monotonic()
        self._shown: str | None = None
        self._shown_at = float("-inf")

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
        text = counts_text(counts)
        if text == self._shown or time.monotonic() - self._shown_at < _LINE_EVERY_SECONDS:
            return
        self._shown, self._shown_at = text, time.monotonic()
        self.say(text)

    def close(self) -> None:
        """Do nothing: lines stay as they are."""


def view_for(stream: TextIO | None = None) -> View:
    """Return the live view when the stream (default: standard output) is a terminal, else plain lines."""
    target = stream or sys.stdout
    if not target.isatty():
        return LineView(target)
    # Imported here because the plain view must work without the extra that brings the live one.
    from ddb_migration_construct.rehearsal.live_view import LiveView

    return LiveView(target)


def counts_text(counts: Mapping[str, object]) -> str:
    """Return the counts as one line."""
    return " · ".join(f"{name} {value}" for name, value in counts.items())
