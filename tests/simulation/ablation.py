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
# The words by which an oracle says what it has found.
UNEQUAL = ("is missing", "is stale", "is deleted and still there", "cut_over_at: source", "was answered")
UNDEAD = ("is deleted and still there",)
EXPIRED = ("expired before they were taken, and nothing says so",)
STUCK = ("stuck: ",)
AFTER = ("after the cut-over", "after the roll back")
LATE = ("late changes behind a fence",)
# How it shows that taking a guard out has broken the code around it: that says nothing of the guard.
BROKEN = "a function ended with "


@dataclass(frozen=True)
class Set:
    """Guards to take out together, and the only faults to inject (all, where none are named).

    `shown_by` holds the words of the oracle that has to find it, any one of them.
    """

    guards: tuple[str, ...]
    faults: tuple[str, ...] = ()
    shown_by: tuple[str, ...] = UNEQUAL

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
REREADS = ("large-item", "old-redelivery", "few-receives", "failed-entries")
EPOCHS = ("aborted", "long-gap", "kept-destination")
GAPS = ("capture-gap", "change-expired")
BEGIN = ("stream-off", "stale-reads", "export", "slow-call")
DEATHS = ("spark-task-fails", "crash-before", "crash-after", "execution-stopped", "slow-call", "lost-request")

# One guard: a run counts as found only if its oracle is silent with the guard in place.
ALONE = (
    Set(("trim-horizon",), ("capture-paused",)),
    Set(("as-seen",), ("completion-stopped", "late-start", "stall", "lost-request"), ("begins over a destination",)),
    Set(("settle",), BEGIN),
    Set(("stream-arn",), ("stream-replaced",)),
    Set(("keep-expired",), ("time-to-live",), UNDEAD),
    Set(("keep-old",)),
    Set(("retry-for-ever",), ("queue-storm", "throttled-call")),
    Set(("message-epoch",), ("aborted", "long-gap")),
    Set(("checkpoint-epoch",)),
    Set(("barrier-epoch",)),
    Set(("deduplication-epoch",), ("aborted",)),
    Set(("group",)),
    Set(("deduplication-number",)),
    Set(("failed-entry",), ("queue-storm",)),
    Set(("watermark",), ("old-redelivery", "failed-deletion", "few-receives")),
    Set(("padding",)),
    Set(("reread-mark",), REREADS),
    Set(("consistent-reread",), ("stale-reads", "large-item")),
    Set(("time-out",), ("destination-storm", "stall", "slow-call", "old-redelivery")),
    Set(("visibility",), ("late-write",)),
    Set(("unanswered",), ("late-write",)),
    Set(("size",), ("large-item",), STUCK),
    Set(("permit",), ("spark-task-fails",)),
    Set(("hold",), ("spark-task-fails", "export")),
    Set(("checkpoint-position",), DEATHS),
    Set(("checkpoint-after",), (*DEATHS, "unprocessed-items")),
    Set(("unprocessed",), ("unprocessed-items",)),
    Set(("park",), ("rejected-item", "validation-once"), ("is missing",)),
    Set(("unpark",), ("validation-once",), ("is parked after it was read again",)),
    Set(("empty-destination",), EPOCHS, UNDEAD),
    Set(("looks",), GAPS, EXPIRED),
    Set(("near-expiry",), ("capture-failing",), EXPIRED),
    Set(("silence",), GAPS, EXPIRED),
    Set(("gate-verified",), ("capture-gap", "late-fence")),
    Set(("gate-parked",), ("rejected-item", "late-fence")),
    Set(("fence",), ("late-fence", *WINDOW), LATE),
    Set(("tail",), ("shard-held-back",)),
    Set(("tail",), ("destination-shard-held-back",)),
    Set(("last-keys",), ("crash-after", "destination-storm", "straggler", "throttled-call")),
    Set(("silent-apply",), ("redrive-after",), AFTER),
    Set(("stand-by",), WINDOW, STUCK),
    Set(("destination-fence",), WINDOW, ("a roll back is refused without a cause",)),
    Set(("reverse-silent",), ("reverse-redrive-after",), AFTER),
    Set(("lift-last",), WINDOW, LATE),
    Set(("fence-exemption",), WINDOW, ("a fence denies a write",)),
    Set(("own-cut-over",), ("zombie", "stall", "late-fence", *WINDOW), ("is recorded, and not how",)),
)
# Guards that mask each other: a run counts as found only if its oracle is silent as soon as any one of them is back.
TOGETHER = (
    Set(("consistent-scan", "settle"), ("stream-off", "stale-reads")),
    Set(("coalescing", "one-per-batch", "watermark"), ("failed-entries",)),
    Set(("live-runs", "one-run", "permit", "hold"), ("execution-stopped", "spark-task-fails")),
    Set(("execution-lock", "live-runs", "one-run", "permit"), ("second-execution", "spark-task-fails")),
    Set(("apply-barrier", "trigger-last")),
    Set(("complete-load", "job-success"), ("glue-run-fails",)),
    Set(("stream-gap", "looks"), ("stream-gap",), EXPIRED),
    Set(("gate-dead-letters", "last-keys"), ("few-receives", "destination-storm", "late-fence")),
    Set(("look-after-batch", "tail"), WINDOW),
    Set(("reverse-trim-horizon", "tail"), ("reverse-capture-paused", *WINDOW)),
    Set(("silent-capture", "stop-apply"), WINDOW, AFTER),
    Set(("reverse-barrier", "stand-by"), WINDOW, ("and no cut-over is recorded",)),
)
# In no set: these keep work, regress or waiting down, and no promise rests on them.
COST = ("mark-above", "return-later", "gate-lag", "in-step", "reverse-settle")
# In no set that was found: each stands behind others, and docs/guarantees.md tells for what it stays all the same.
SECOND_LINES = ("deadline", "last-invocations")


def looked_for(one: Set, most: int = MOST_RUNS, seconds: float = float("inf"), first: int = 0) -> Found:
    """Take a set out, run by run, until it is found; for so many seconds of processor time at most."""
    on = chosen(one.faults or None)
    until = time.process_time() + seconds
    for number in range(first, first + most):
        finding = shown(one, run(str(number), on, one.guards).findings)
        if finding and _needs_each(one, str(number)):
            return Found(number - first + 1, finding)
        if time.process_time() > until:
            return Found(number - first + 1, None)
    return Found(most, None)


def shown(one: Set, findings: Sequence[str]) -> str | None:
    """Return the first finding of the oracle that has to find the set; none where the run broke the code."""
    if any(finding.startswith(BROKEN) for finding in findings):
        return None
    return next((finding for finding in findings if any(words in finding for words in one.shown_by)), None)


def _needs_each(one: Set, seed: str) -> bool:
    """Tell whether the oracle is silent as soon as any one guard of the set is back."""
    on = chosen(one.faults or None)
    rest = ([guard for guard in one.guards if guard != back] for back in one.guards)
    return not any(shown(one, run(seed, on, tuple(left)).findings) for left in rest)


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
