"""`status --watch`: look at migrations until they have all ended."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import typer

from ddb_migration_construct.cli.failures import NEEDS_YOU, is_passing
from ddb_migration_construct.cli.migrations import Migration
from ddb_migration_construct.cli.reading import Reader, Status
from ddb_migration_construct.cli.view import view_for

_AT_ONCE = 8
Show = Callable[[list[Status]], None]


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
            return self._followed(migrations, view.show_migrations, view.say)
        finally:
            view.close()

    def as_json(self, migrations: Sequence[Migration]) -> int:
        """Print a JSON object for each migration at each look until none of them runs any more."""
        return self._followed(migrations, _print, lambda text: typer.echo(text, err=True))

    def _followed(self, migrations: Sequence[Migration], show: Show, say: Callable[[str], None]) -> int:
        looks = _Looks(self.reader, say)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for number in itertools.count(1):
                statuses = looks.next(pool, migrations)
                show(statuses)
                # The list of executions trails behind (Step Functions guide, "Read consistency"): right after a start
                # the first look may not see it.
                if not (looks.is_missing or any(status.is_running for status in statuses)) and number > 1:
                    break
                self.sleep(self.every)
        return NEEDS_YOU if any(status.needs_you for status in statuses) else 0


class _Looks:
    """Looks at migrations, of which AWS may not tell each at each look; `is_missing` tells that it did not.

    What was seen last stands in for it: a watch of days meets throttling, and a laptop that slept.
    """

    def __init__(self, reader: Reader, say: Callable[[str], None]) -> None:
        self._reader, self._say = reader, say
        self._seen: dict[Migration, Status] = {}
        self._said: dict[Migration, str] = {}
        self.is_missing = False

    def next(self, pool: ThreadPoolExecutor, migrations: Sequence[Migration]) -> list[Status]:
        found = dict(zip(migrations, pool.map(self._read, migrations), strict=True))
        self.is_missing = False
        for migration, status in found.items():
            if isinstance(status, Status):
                self._seen[migration] = status
                self._said.pop(migration, None)
            else:
                self.is_missing = True
                self._tell(migration, f"{migration.name}: AWS does not answer, and is asked again: {status}")
        return [self._seen[migration] for migration in migrations if migration in self._seen]

    def _read(self, migration: Migration) -> Status | Exception:
        try:
            return self._reader.read(migration)
        except Exception as error:
            if not is_passing(error):
                raise
            return error

    def _tell(self, migration: Migration, text: str) -> None:
        if self._said.get(migration) != text:
            self._said[migration] = text
            self._say(text)


def _print(statuses: list[Status]) -> None:
    for status in statuses:
        typer.echo(json.dumps(status.as_json()))
