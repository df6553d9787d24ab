"""The metrics that a function prints into its log, where CloudWatch finds them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from ddb_migration import names
from ddb_migration.core.metrics import metric_line


class Metrics:
    """The metrics of one migration; `write` takes a line of the function's log."""

    def __init__(
        self, migration: str, clock: Callable[[], float] = time.time, write: Callable[[str], object] = print
    ) -> None:
        self._migration = migration
        self._clock = clock
        self._write = write

    def put(self, values: Mapping[str, float], counts: Mapping[str, float] | None = None) -> None:
        """Tell values, and those counts that are not zero: nothing is said about what did not happen."""
        told = {**values, **{name: count for name, count in (counts or {}).items() if count}}
        if told:
            self._write(metric_line(self._migration, self._clock(), told))

    def put_throttles(self, by_reason: Mapping[str, int]) -> None:
        """Tell how many calls were throttled, by DynamoDB's own reasons."""
        for reason, count in by_reason.items():
            self._write(metric_line(self._migration, self._clock(), {names.METRIC_THROTTLES: count}, reason))


class _Silent(Metrics):
    def put(self, values: Mapping[str, float], counts: Mapping[str, float] | None = None) -> None:
        return None

    def put_throttles(self, by_reason: Mapping[str, int]) -> None:
        return None


SILENT = _Silent("")
