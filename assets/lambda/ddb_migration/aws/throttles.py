"""Which calls a table throttled, and why."""

from __future__ import annotations

from collections import Counter

from ddb_migration.aws.bulk_failures import is_throttle, reasons


class Throttles:
    """Counts throttled calls by reason; threads may share it."""

    def __init__(self) -> None:
        # Appending to a list is one step, adding to a counter is not.
        self._reasons: list[str] = []

    def notice(self, error: Exception) -> None:
        """Count an error if it is throttling."""
        if is_throttle(error):
            self._reasons.extend(reasons(error))

    def by_reason(self) -> Counter[str]:
        """Return the counts."""
        return Counter(self._reasons)
