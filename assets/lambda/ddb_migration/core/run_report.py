"""The report of a whole migration: what `ddb-migration report` writes, and the page is made from.

It imports nothing of this project, so that the command line may make the same report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Phases by the moments of the control record between which they lie.
PHASES = (
    ("Settle", "captured_from", "settled_at"),
    ("Bulk load", "settled_at", "bulk_loaded_at"),
    ("Barrier", "bulk_loaded_at", "barrier_at"),
    ("Drain", "barrier_at", "drained_at"),
    ("Verify", "drained_at", "ready_at"),
    ("ReadyToCutOver", "ready_at", "cut_over_started"),
    ("CutOver", "cut_over_started", "cut_over_at"),
    ("RollbackWindow", "window_began", "window_ended"),
    ("RollBack", "reverse_cut_over_started", "reverse_cut_over_at"),
    ("Complete", "complete_began", "completed_at"),
)

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Told:
    """What is on record of one path of changes: what is told of its rounds of changed keys, and by its gate last.

    `stuck` are the keys that stay different. `late` are the keys that changed after the switch, though nobody should
    write any more where the changes come from: `item_key` as canonical text, `changes`, and `at` of the last one.
    """

    rounds: Sequence[Values] = ()
    stuck: Sequence[str] = ()
    gate: Values | None = None
    late: Sequence[Values] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it as a report has it."""
        gate = self.gate and {name: self.gate.get(name) for name in ("at", "reasons", "accepted_sample")}
        changed = {"rounds": list(self.rounds), "stuck": list(self.stuck)}
        return {"gate": gate, "changed_keys": changed, "late_changes": self._late()}

    def _late(self) -> dict[str, Any]:
        listed = [{"key": row["item_key"], "changes": int(row["changes"]), "last_at": row["at"]} for row in self.late]
        return {
            "keys": len(listed),
            "changes": sum(row["changes"] for row in listed),
            "last_at": max((row["last_at"] for row in listed), default=None),
            "listed": listed,
        }


def run_report(
    migration: str, record: Values, verify: Values | None, told: Told, back: Told, now: float
) -> dict[str, Any]:
    """Return the report as plain values; times are in epoch seconds.

    `record` is the control record, `verify` the report of the epoch's last pass that ended, `told` what is on record
    of the changes of the source, and `back` what is of those of the destination after the cut-over.
    """
    return {
        "migration": migration,
        "epoch": record.get("epoch"),
        "status": record.get("status"),
        "written_at": now,
        "phases": phases(record, now),
        "cut_over_form": record.get("cut_over_form") if record.get("cut_over_at") is not None else None,
        "lag_seconds": (told.gate or {}).get("lag_seconds"),
        "incomplete": record.get("incomplete"),
        **told.as_json(),
        "way_back": _way_back(record, back),
        "verify": verify,
    }


def _way_back(record: Values, told: Told) -> dict[str, Any] | None:
    """Return what there is to say of a roll back, None where there is no window for one."""
    until = record.get("rollback_until")
    if until is None:
        return None
    return {
        "until": until,
        "rolled_back_at": record.get("reverse_cut_over_at"),
        "refused": record.get("reverse_cut_over_refused"),
        "incomplete": record.get("reverse_incomplete"),
        **told.as_json(),
    }


def phases(record: Values, now: float) -> list[dict[str, Any]]:
    """Return the phases that have begun, with their times; the end is None while one goes on."""
    moments = {**record, **_around_window(record, now)}
    begun = [(name, moments.get(began), moments.get(ended)) for name, began, ended in PHASES]
    return [{"name": name, "began": began, "ended": ended} for name, began, ended in begun if began is not None]


def _around_window(record: Values, now: float) -> dict[str, Any]:
    """Return when the rollback window began and ended, and when Complete began."""
    cut_over_at, until = record.get("cut_over_at"), record.get("rollback_until")
    if until is None:
        return {"complete_began": cut_over_at}
    began_to_roll_back = record.get("reverse_cut_over_started")
    over = until if until <= now and began_to_roll_back is None else None
    return {
        "window_began": cut_over_at,
        "window_ended": began_to_roll_back or over,
        "complete_began": record.get("reverse_cut_over_at") or over,
    }
