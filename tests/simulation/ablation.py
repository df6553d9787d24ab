"""Which guards must be taken out together for a migration to go wrong, and which faults bring it about soonest.

`python -m tests.simulation.ablation [--most N] [SET ...]` takes each set out and says after how many runs it was
found; `docs/guarantees.md` holds the answer.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
sys.path[:0] = [str(CHECKOUT / part) for part in ("src", "assets/lambda", "assets/glue")]

from tests.simulation.faults import chosen  # noqa: E402  the product's code is on the path only now
from tests.simulation.run import run  # noqa: E402

MOST_RUNS = 20_000
BULK = ("spark-task-fails", "glue-run-fails", "stall", "slow-call", "crash-after", "lost-answer", "throttled-call")
APPLY = (
    "destination-storm",
    "throttled-call",
    "late-start",
    "slow-call",
    "stall",
    "server-error",
    "old-redelivery",
    "time-to-live",
)
EPOCHS = ("aborted", "long-gap", "kept-destination", "zombie", "late-start", "stall")
BEGIN = ("stream-off", "stale-reads", "export", "slow-call")


@dataclass(frozen=True)
class Set:
    """Guards to take out together, and the only faults to inject (all, where none are named)."""

    guards: tuple[str, ...]
    faults: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return "+".join(self.guards)


@dataclass(frozen=True)
class Found:
    """After how many runs a set was found, None where it was not; and what was found."""

    runs: int
    finding: str | None


# Found by the general mix of faults within some hundred runs.
PLAIN = (
    Set(("trim-horizon",)),
    Set(("keep-expired",)),
    Set(("keep-old",)),
    Set(("retry-for-ever",)),
    Set(("message-epoch",)),
    Set(("checkpoint-epoch",)),
    Set(("barrier-epoch",)),
    Set(("group",)),
    Set(("deduplication-number",)),
    Set(("failed-entry",)),
    Set(("watermark",)),
    Set(("padding",)),
    Set(("size",)),
    Set(("checkpoint-position",)),
    Set(("checkpoint-after",)),
    Set(("park",)),
    Set(("trigger-last", "apply-barrier")),
    Set(("job-success", "complete-load")),
)
REREADS = ("large-item", "old-redelivery", "few-receives", "failed-entries")

# Rare: the faults that they take are named.
RARE = (
    Set(("settle",), BEGIN),
    Set(("settle", "consistent-scan"), BEGIN),
    Set(("stream-arn",), ("stream-replaced",)),
    Set(("stream-gap",), ("stream-gap",)),
    Set(("unanswered",), ("late-write", *APPLY)),
    Set(("looks",), ("capture-gap", "change-expired")),
    Set(("near-expiry",), ("capture-failing",)),
    Set(("silence",), ("capture-gap", "change-expired")),
    Set(("unpark",), ("validation-once",)),
    Set(("empty-destination",), EPOCHS),
    Set(("reread-mark",), REREADS),
    Set(("hold",), BULK),
    Set(("hold", "permit"), BULK),
    Set(("time-out",), APPLY),
    Set(("live-runs", "permit"), ("execution-stopped", *BULK)),
    Set(("deduplication-epoch", "settle"), EPOCHS),
)
# Their absence is looked for, and not found: cost measures, or covered twice over.
MASKED = (
    Set(("consistent-scan",), BEGIN),
    Set(("coalescing",)),
    Set(("one-per-batch", "coalescing")),
    Set(("mark-above",), REREADS),
    Set(("deadline",), APPLY),
    Set(("visibility",), APPLY),
    Set(("deadline", "visibility"), APPLY),
    Set(("return-later",), APPLY),
    Set(("apply-barrier",)),
    Set(("trigger-last",)),
    Set(("complete-load",)),
    Set(("live-runs",), ("execution-stopped", *BULK)),
    Set(("permit",), BULK),
    Set(("one-run",), ("execution-stopped", *BULK)),
    Set(("one-run", "live-runs"), ("execution-stopped", *BULK)),
    Set(("last-invocations",), (*EPOCHS, "destination-storm")),
    Set(("execution-lock",), ("second-execution", "execution-stopped", *BULK)),
    Set(("deduplication-epoch",), EPOCHS),
)


def looked_for(one: Set, most: int = MOST_RUNS, seconds: float = float("inf"), first: int = 0) -> Found:
    """Take a set out, run by run, until it is found; for so many seconds of processor time at most."""
    on = chosen(one.faults or None)
    until = time.process_time() + seconds
    for number in range(first, first + most):
        findings = run(str(number), on, one.guards).findings
        if findings:
            return Found(number - first + 1, findings[0])
        if time.process_time() > until:
            return Found(number - first + 1, None)
    return Found(most, None)


def main(arguments: Sequence[str]) -> None:
    """Look for each set named, or for all of them."""
    names = [argument for argument in arguments if not argument.startswith("--")]
    most = int(arguments[arguments.index("--most") + 1]) if "--most" in arguments else MOST_RUNS
    names = [name for name in names if name != str(most)]
    for one in (*PLAIN, *RARE, *MASKED):
        if not names or one.name in names:
            found = looked_for(one, most)
            print(f"{one.name:45} {found.runs:6}  {(found.finding or 'not found')[:110]}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
