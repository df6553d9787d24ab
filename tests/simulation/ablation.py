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
DEATHS = (
    "spark-task-fails",
    "crash-before",
    "crash-after",
    "execution-stopped",
    "slow-call",
    "lost-request",
    "unprocessed-items",
)
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
    """How many runs were made, the last of which was found; `finding` is None where none was."""

    runs: int
    finding: str | None


# A migration has a window where one of the faults is of its kind.
WINDOW = ("straggler",)
HELD_UP = ("zombie", "stall", "late-fence", "policy-deployed", *WINDOW)
REREADS = ("large-item", "old-redelivery", "few-receives", "failed-entries")

# One guard, missed by the general mix of faults or by a few kinds.
ALONE = (
    Set(("trim-horizon",), ("capture-paused",)),
    Set(("settle",), BEGIN),
    Set(("stream-arn",), ("stream-replaced",)),
    Set(("keep-expired",), ("time-to-live",)),
    Set(("keep-old",)),
    Set(("retry-for-ever",)),
    Set(("message-epoch",)),
    Set(("checkpoint-epoch",)),
    Set(("barrier-epoch",)),
    Set(("deduplication-epoch",), ("aborted",)),
    Set(("group",)),
    Set(("deduplication-number",)),
    Set(("failed-entry",)),
    Set(("watermark",)),
    Set(("padding",)),
    Set(("reread-mark",), REREADS),
    Set(("time-out",), APPLY),
    Set(("unanswered",), ("late-write", *APPLY)),
    Set(("size",)),
    Set(("hold",), BULK),
    Set(("checkpoint-position",)),
    Set(("checkpoint-after",), DEATHS),
    Set(("unprocessed",), ("unprocessed-items",)),
    Set(("park",)),
    Set(("unpark",), ("validation-once",)),
    Set(("empty-destination",), EPOCHS),
    Set(("stream-gap",), ("stream-gap",)),
    Set(("looks",), ("capture-gap", "change-expired")),
    Set(("near-expiry",), ("capture-failing",)),
    Set(("silence",), ("capture-gap", "change-expired")),
    Set(("fence",), ("late-fence", "straggler")),
    Set(("tail",), ("shard-held-back",)),
    Set(("tail",), ("destination-shard-held-back",)),
    Set(("last-keys",), ("crash-after", "destination-storm", "straggler", "throttled-call")),
    Set(("silent-apply",), ("redrive-after",)),
    Set(("stand-by",), WINDOW),
    Set(("destination-fence",), WINDOW),
    Set(("reverse-silent",), ("reverse-redrive-after",)),
    Set(("lift-last",), WINDOW),
    Set(("fence-exemption",), WINDOW),
    Set(("own-cut-over",), HELD_UP),
)
# Guards that mask each other: a run counts as found only if it passes as soon as any one of them is back.
TOGETHER = (
    Set(("consistent-scan", "settle"), ("stream-off", "stale-reads")),
    Set(("coalescing", "one-per-batch", "watermark")),
    Set(("deadline", "visibility"), ("stall", "slow-call", "lost-answer")),
    Set(("live-runs", "permit"), ("execution-stopped", *BULK)),
    Set(("apply-barrier", "trigger-last")),
    Set(("complete-load", "job-success")),
    Set(("last-invocations", "trim-horizon"), EPOCHS),
    Set(("execution-lock", "permit"), ("second-execution", "execution-stopped", *BULK)),
    Set(("look-after-batch", "tail"), WINDOW),
    Set(("reverse-trim-horizon", "tail"), ("reverse-capture-paused", *WINDOW)),
    Set(("silent-capture", "stop-apply"), WINDOW),
)
# In no set that was found: these keep work, regress or waiting down, and no promise rests on them.
COST = ("mark-above", "return-later", "one-run", "in-step", "reverse-barrier", "reverse-settle")


def looked_for(one: Set, most: int = MOST_RUNS, seconds: float = float("inf"), first: int = 0) -> Found:
    """Take a set out, run by run, until it is found; for so many seconds of processor time at most."""
    on = chosen(one.faults or None)
    until = time.process_time() + seconds
    for number in range(first, first + most):
        findings = run(str(number), on, one.guards).findings
        if findings and _needs_each(one, str(number)):
            return Found(number - first + 1, findings[0])
        if time.process_time() > until:
            return Found(number - first + 1, None)
    return Found(most, None)


def _needs_each(one: Set, seed: str) -> bool:
    """Tell whether a run passes as soon as any one guard of the set is back."""
    if len(one.guards) == 1:
        return True
    on = chosen(one.faults or None)
    rest = ([guard for guard in one.guards if guard != back] for back in one.guards)
    return not any(run(seed, on, tuple(left)).findings for left in rest)


def main(arguments: Sequence[str]) -> None:
    """Look for each set named, or for all of them."""
    names = [argument for argument in arguments if not argument.startswith("--")]
    most = int(arguments[arguments.index("--most") + 1]) if "--most" in arguments else MOST_RUNS
    names = [name for name in names if name != str(most)]
    for one in (*ALONE, *TOGETHER):
        if not names or one.name in names:
            found = looked_for(one, most)
            print(f"{one.name:45} {found.runs:6}  {(found.finding or 'not found')[:110]}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
