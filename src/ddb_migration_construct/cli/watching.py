"""`status --watch`: look at migrations until they have all ended."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import typer

from ddb_migration_construct.cli.failures import NEEDS_YOU
from ddb_migration_construct.cli.migrations import Migration
from ddb_migration_construct.cli.reading import Reader, Status
from ddb_migration_construct.cli.view import View, view_for

_AT_ONCE = 8


@dataclass(frozen=True)
class Watch:
    """Looks every so many seconds; `sleep` waits between two looks."""

    reader: Reader
    every: float
    sleep: Callable[[float], object] = time.sleep

    def shown(self, migrations: Sequence[Migration]) -> int:
        """Show migrations until none of them runs any more; return the exit code."""
        view = view_for()
        try:
            return self._followed(migrations, lambda statuses: _show(view, statuses))
        finally:
            view.close()

    def as_json(self, migrations: Sequence[Migration]) -> int:
        """Print a JSON object for each migration at each look until none of them runs any more."""
        return self._followed(migrations, _print)

    def _followed(self, migrations: Sequence[Migration], show: Callable[[list[Status]], None]) -> int:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            while True:
                statuses = list(pool.map(self.reader.read, migrations))
                show(statuses)
                if not any(status.is_running for status in statuses):
                    return NEEDS_YOU if any(status.needs_you for status in statuses) else 0
                self.sleep(self.every)


def _show(view: View, statuses: list[Status]) -> None:
    view.show_migrations(statuses)


def _print(statuses: list[Status]) -> None:
    for status in statuses:
        typer.echo(json.dumps(status.as_json()))
