"""Live progress of a rehearsal: timed phases and the counts of the moment."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType

from ddb_migration_construct.cli.reading import Status
from ddb_migration_construct.cli.view import View


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

    def show_migration(self, status: Status) -> None:
        """Show the migration as it is at the moment, as `ddb-migration status --watch` does."""
        self._view.show_migrations([status])

    def show(self, counts: Mapping[str, object]) -> None:
        """Show the counts of the moment."""
        self._view.show(counts)
