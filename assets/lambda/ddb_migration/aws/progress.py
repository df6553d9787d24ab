"""Progress rows: what the readers of stream and queue counted, and how old the changes were that they saw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ddb_migration.aws.rows import Rows
from ddb_migration.core.bulk_totals import TaskNote
from ddb_migration.core.lag import Report

CAPTURE = "capture"
APPLY = "apply"


class Progress:
    """The progress rows of one epoch."""

    def __init__(self, rows: Rows, epoch: str) -> None:
        self._rows = rows
        self._epoch = epoch
        self._partition = f"progress#{epoch}"

    def report(self, stage: str, reader: str, counts: Mapping[str, int], age: float, now: float) -> None:
        """Add what one invocation counted; `age` is that of the oldest change it saw, in seconds."""
        added = {name: count for name, count in counts.items() if count}
        expression = "SET #age = :age, #at = :at"
        if added:
            expression += " ADD " + ", ".join(f"#{name} :{name}" for name in added)
        values = {"age": max(0.0, age), "at": now, **added}
        self._rows.update(self._partition, f"{stage}#{reader}", expression, values)

    def note_task(self, task: str, note: TaskNote, now: float) -> None:
        """Note how far a task of the bulk load is, and how it went lately; checkpoints tell only of whole pages."""
        values = {"written": note.items_written, "per_second": note.per_second, "throttles": note.throttles, "at": now}
        expression = "SET " + ", ".join(f"#{name} = :{name}" for name in values)
        self._rows.update(f"task#{self._epoch}", task, expression, values)

    def reports(self, stage: str) -> tuple[Report, ...]:
        """Return what each reader of a stage last saw."""
        rows = self._rows.query(self._partition)
        return tuple(Report(row["age"], row["at"]) for sk, row in rows if sk.startswith(f"{stage}#"))

    def totals(self) -> Counter[str]:
        """Return the sums of all counters."""
        totals: Counter[str] = Counter()
        for _, row in self._rows.query(self._partition):
            totals.update({name: value for name, value in row.items() if name not in ("age", "at")})
        return totals
