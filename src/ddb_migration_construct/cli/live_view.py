"""The live view in a terminal: of `status --watch`, and of a rehearsal."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TextIO

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from ddb_migration_construct.cli.reading import Status
from ddb_migration_construct.cli.rich_status import shown
from ddb_migration_construct.cli.samples import Seen
from ddb_migration_construct.cli.view import counts_text

# Lines of a live view besides the rows of migrations. What does not fit in the window is cut off, from the bottom.
_OTHER_LINES = 4


class LiveView:
    """Finished phases and events scroll by; what runs, and the migrations, stay in the last lines."""

    def __init__(self, stream: TextIO) -> None:
        self._running: dict[str, float] = {}
        self._counts = ""
        self._seen = Seen()
        self._spinner = Spinner("dots")
        self._live = Live(self, console=Console(file=stream), refresh_per_second=8, transient=True)
        self._live.start()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render the running phases, the migrations and the counts."""
        now = time.monotonic()
        phases = ", ".join(f"{name} {now - began:.0f} s" for name, began in list(self._running.items()))
        if phases:
            self._spinner.update(text=Text(phases))
            yield self._spinner
        if self._seen.newest:
            yield shown(self._seen.newest, console.size.height - _OTHER_LINES)
        if self._counts:
            yield Text(self._counts, style="cyan")

    def begin(self, phase: str) -> None:
        """Add a running phase."""
        self._running[phase] = time.monotonic()

    def end(self, phase: str, seconds: float) -> None:
        """Move a phase to the finished ones; counts and migrations belonged to it."""
        self._running.pop(phase, None)
        self._counts = ""
        self._seen = Seen()
        self._print(f"✓ {phase:<12} {seconds:7.1f} s", "green")

    def say(self, text: str) -> None:
        """Print one event above the running phases."""
        self._print(f"  {text}", "default")

    def show(self, counts: Mapping[str, object]) -> None:
        """Replace the counts."""
        self._counts = counts_text(counts)

    def show_migrations(self, statuses: Sequence[Status]) -> None:
        """Replace the migrations."""
        self._seen.add(statuses)

    def close(self) -> None:
        """Leave the last look at the migrations standing, take the running phases away, and end."""
        last = self._seen.newest
        self._live.stop()
        if last:
            self._live.console.print(shown(last))

    def _print(self, text: str, style: str) -> None:
        # As Text, so that brackets in what is said are not taken for markup.
        self._live.console.print(Text(text, style=style))
