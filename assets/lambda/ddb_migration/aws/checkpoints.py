"""Checkpoints: how far each unit of the bulk load has come, with what it counted."""

from __future__ import annotations

import contextlib

from ddb_migration.aws.bulk_books import Saved
from ddb_migration.aws.rows import ConditionFailed, Rows
from ddb_migration.core.bulk_plan import COMPLETE


class Checkpoints:
    """The checkpoints of one epoch and one plan; those of another epoch or plan are not seen.

    A row holds a position and what lies before it, written together: the counts are exact however often a task,
    or a copy of it that Spark thought lost, repeats its work.
    """

    def __init__(self, rows: Rows, epoch: str, plan: str) -> None:
        self._rows = rows
        self._partition = f"checkpoint#{epoch}"
        self._ending = f"@{plan}"

    def read(self, unit: str) -> Saved:
        """Return the state of a unit."""
        row = self._rows.get(self._partition, unit + self._ending)
        counts = {name: int(row.get(name, 0)) for name in ("items_read", "items_rejected")}
        return Saved(bool(row.get("done")), row.get("position"), **counts)

    def save(self, unit: str, saved: Saved) -> None:
        """Record that all before a position is written; what is done stays done."""
        values = {
            "items_read": saved.items_read,
            "items_written": saved.items_read - saved.items_rejected,
            "items_rejected": saved.items_rejected,
            **({"done": True} if saved.done else {"position": saved.position}),
        }
        expression = "SET " + ", ".join(f"#{name} = :{name}" for name in values)
        removed = " REMOVE #position" if saved.done else ""
        with contextlib.suppress(ConditionFailed):
            self._rows.update(
                self._partition, unit + self._ending, expression + removed, values, "attribute_not_exists(#done)"
            )

    def complete(self) -> None:
        """Record that every unit is done."""
        self.save(COMPLETE, Saved(done=True))

    @property
    def is_complete(self) -> bool:
        """Tell whether every unit is done."""
        return self.read(COMPLETE).done

    def done(self) -> dict[str, Saved]:
        """Return the units that are done, with their counts."""
        return {
            sk.removesuffix(self._ending): Saved(True, None, row["items_read"], row["items_rejected"])
            for sk, row in self._rows.query(self._partition)
            if row.get("done") and sk.endswith(self._ending)
        }
