"""The report of a whole migration: what `ddb-migration report` writes, and the page is made from.

It imports nothing of this project, so that the command line may make the same report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    ("Complete", "cut_over_at", "completed_at"),
)

Values = Mapping[str, Any]


def run_report(
    migration: str,
    record: Values,
    verify: Values | None,
    rounds: Sequence[Values],
    stuck: Sequence[str],
    gate: Values | None,
    now: float,
) -> dict[str, Any]:
    """Return the report as plain values; times are in epoch seconds.

    `record` is the control record, `verify` the report of the epoch's last pass that ended, `rounds` what is told of
    the rounds of changed keys, `stuck` the keys that stay different, and `gate` what it said last.
    """
    told = gate or {}
    return {
        "migration": migration,
        "epoch": record.get("epoch"),
        "status": record.get("status"),
        "written_at": now,
        "phases": phases(record),
        "gate": {name: told.get(name) for name in ("at", "reasons", "accepted_sample")} if gate else None,
        "lag_seconds": told.get("lag_seconds"),
        "incomplete": record.get("incomplete"),
        "changed_keys": {"rounds": list(rounds), "stuck": list(stuck)},
        "verify": verify,
    }


def phases(record: Values) -> list[dict[str, Any]]:
    """Return the phases that have begun, with their times; the end is None while one goes on."""
    begun = [(name, record.get(began), record.get(ended)) for name, began, ended in PHASES]
    return [{"name": name, "began": began, "ended": ended} for name, began, ended in begun if began is not None]
