"""The faults that a run injects: which there are, how often they strike, and how many have struck."""

from __future__ import annotations

import random
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

# At single calls to AWS.
CALLS: Mapping[str, str] = {
    "throttled-call": "DynamoDB or SQS throttles a call",
    "server-error": "a service answers 500, and has done nothing or all of it",
    "lost-request": "a call never arrives, and its client waits in vain",
    "lost-answer": "a call takes effect, and its answer is lost",
    "slow-call": "a call takes seconds",
    "unprocessed-items": "BatchWriteItem leaves some puts undone",
    "failed-entries": "SendMessageBatch fails for single entries",
    "crash-before": "a function or task dies before a call takes effect",
    "crash-after": "a function or task dies after a call has taken effect",
    "stall": "a function or task stands still between two calls",
    "late-write": "a write takes effect up to forty seconds after its client gave it up",
    "validation-once": "the destination rejects one write that it would take the next time",
}
# At single invocations and deliveries.
INVOCATIONS: Mapping[str, str] = {
    "late-start": "Lambda starts an invocation up to two minutes late",
    "zombie": "Lambda gives an invocation up while it runs on until its time-out",
    "duplicate-invocation": "Lambda invokes StreamProcessor twice with one batch, side by side",
    "old-redelivery": "Lambda delivers records of a shard again, after newer ones",
    "failed-deletion": "an applied message is not deleted, and is delivered again",
    "slow-mapping": "Lambda takes minutes to create, enable, disable or delete a mapping",
}
# Things that happen to a migration.
INCIDENTS: Mapping[str, str] = {
    "shard-split": "shards of the stream split or roll over",
    "capture-paused": "the stream mapping is disabled and enabled again within a day",
    "apply-paused": "the queue mapping is disabled and enabled again",
    "execution-stopped": "the running execution is stopped, and another started",
    "second-execution": "a second execution is started beside the first",
    "aborted": "the migration is given up and begun anew",
    "long-gap": "more than a day passes between giving up and beginning anew",
    "kept-destination": "the migration is begun anew into a destination that still holds items",
    "glue-run-fails": "a Glue run ends as failed while its tasks write on",
    "spark-task-fails": "Spark runs a task again, whose first attempt is gone with its machine, or writes on",
    "destination-storm": "the destination throttles everything for a while",
    "queue-storm": "SQS refuses everything for a while",
    "few-receives": "messages go to the dead-letter queue after few receives, and are redriven by raw move or reread",
    "short-look-ahead": "SQS looks for free groups among few messages only",
    "stale-reads": "reads that are not consistent show old items",
    "stream-off": "the source's stream is off, and SetupCheck switches it on while writes go on",
}
# What the source holds and sends.
DATA: Mapping[str, str] = {
    "rejected-item": "items that the destination rejects for ever",
    "large-item": "items that do not fit in a message, and some that fit only compressed",
    "keys-only": "a stream of keys alone",
    "time-to-live": "deletions by DynamoDB's time to live",
    "export": "a bulk load from an export of a moment, torn across items",
}
# What happens to a migration that goes on to its cut-over.
CUT_OVERS: Mapping[str, str] = {
    "late-fence": "hosts of DynamoDB get to know the source's policy up to forty seconds late",
    "policy-deployed": "a deployment puts the source's policy as it was, in the midst of a cut-over",
    "shard-held-back": "Lambda reads one shard of the stream no further for some minutes",
    "redrive-after": "an old message is sent once more after the cut-over, and apply is switched on by hand",
    "unfenced": "the cut-over is without a fence, on the operator's word",
}
# What happens to a migration that can be rolled back, from its cut-over on.
ROLL_BACKS: Mapping[str, str] = {
    "destination-policy-deployed": "a deployment puts the destination's policy as it was, in the window or a roll back",
    "destination-shard-split": "shards of the destination's stream split or roll over",
    "destination-shard-held-back": "Lambda reads one shard of the destination's stream no further for some minutes",
    "destination-keys-only": "the destination's stream is one of keys alone",
    "reverse-capture-paused": "the mapping of the destination's stream is disabled and enabled again within a day",
    "reverse-apply-paused": "the mapping of the reverse queue is disabled and enabled again",
    "reverse-few-receives": "messages of the reverse queue become dead letters after few receives, and are redriven",
    "reverse-redrive-after": "after a roll back old messages are sent once more, and reverse apply is switched on",
    "source-storm": "the source throttles everything for a while",
    "straggler": "some writers get to know up to ten minutes late which table is the table",
    "stack-deleted": "the stack is deleted in the window, in a roll back, or after it",
    "completion-stopped": "the execution is stopped while the migration is being completed, and another started",
}
# Broken premises: a migration must say so, never lose in silence.
PREMISES: Mapping[str, str] = {
    "stream-replaced": "the source's stream is switched off and on again, so another takes its place",
    "stream-gap": "capture stands still for longer than the stream keeps its records, and until the next start",
    "capture-gap": "capture is switched off for more than a day, and on again while an execution runs",
    "capture-failing": "SQS refuses what is captured for more than a day",
    "change-expired": "apply is switched off for longer than the queue keeps a message, which is one day here",
}
# The same of a way back: a roll back must be refused, never lose in silence.
BACK_PREMISES: Mapping[str, str] = {
    "reverse-capture-gap": "capture of the destination's changes is switched off by hand for more than a day",
    "destination-stream-replaced": "the destination's stream is switched off and on again, so another takes its place",
}
# Beyond what is promised (docs/guarantees.md, "Limits"): only by name, to see what would happen.
# Came later, and strikes calls: no run's nature is drawn from it.
CALLS_TOO: Mapping[str, str] = {
    "late-update": "an update of the control table takes effect up to forty seconds after its client gave it up",
}
BEYOND: Mapping[str, str] = {
    "overlapping-delivery": "Lambda invokes WriteCdc twice with one batch, side by side",
}
KINDS: Mapping[str, str] = {
    **CALLS,
    **INVOCATIONS,
    **INCIDENTS,
    **DATA,
    **CUT_OVERS,
    **PREMISES,
    **ROLL_BACKS,
    **BACK_PREMISES,
    **CALLS_TOO,
}

# Where so few kinds or less are asked for, a run is focused: each strikes so many times as often.
FEW_KINDS = 12
FOCUS = 3

# How often a call fault strikes, in runs of average roughness.
_CHANCE: Mapping[str, float] = {
    "throttled-call": 0.006,
    "server-error": 0.004,
    "lost-request": 0.003,
    "lost-answer": 0.004,
    "slow-call": 0.008,
    "crash-before": 0.002,
    "crash-after": 0.003,
    "stall": 0.003,
    "unprocessed-items": 0.05,
    "failed-entries": 0.04,
    "validation-once": 0.002,
    "late-write": 0.004,
    "late-update": 0.004,
}
_ANYWHERE = (
    "throttled-call",
    "server-error",
    "lost-request",
    "lost-answer",
    "slow-call",
    "crash-before",
    "crash-after",
    "stall",
)


@dataclass
class Faults:
    """The faults of one run; every kind draws from a stream of its own, so leaving one out moves no other.

    `left_out` names single strikes ("kind#ordinal") that a shorter run does without.
    """

    seed: str
    on: frozenset[str]
    left_out: frozenset[str] = frozenset()
    told: Callable[[str, str], None] = lambda kind, text: None
    counts: Counter[str] = field(default_factory=Counter)
    struck: list[str] = field(default_factory=list)
    calm: bool = False

    def __post_init__(self) -> None:
        """Draw how rough the run is, and after how many strikes it is calm."""
        self._ordinals: Counter[str] = Counter()
        self._calls = random.Random(f"{self.seed}/calls")
        self._draws: dict[str, random.Random] = {}
        nature = random.Random(f"{self.seed}/nature")
        self.roughness = nature.choice((0.2, 0.5, 1.0, 2.0, 5.0)) * (FOCUS if len(self.on) <= FEW_KINDS else 1.0)
        self.most = nature.choice((5, 20, 60, 150)) * (FOCUS if len(self.on) <= FEW_KINDS else 1)
        self._until = self.most
        self._tables: dict[tuple[str, ...], tuple[list[float], list[str]]] = {}

    def again(self) -> None:
        """Let as many faults strike once more, unless the run is to come to its rest."""
        self._until += self.most
        self.calm = False

    def draws(self, kind: str) -> random.Random:
        """Return the stream of draws of one kind."""
        if kind not in self._draws:
            self._draws[kind] = random.Random(f"{self.seed}/{kind}")
        return self._draws[kind]

    def at_call(self, special: tuple[str, ...]) -> str | None:
        """Return the fault that strikes a call, None for most; `special` kinds are possible at this call only."""
        if self.calm:
            return None
        table = self._tables.get(special)
        if table is None:
            table = self._tables[special] = self._table(special)
        draw = self._calls.random()
        if draw >= table[0][-1]:
            return None
        kind = table[1][bisect(table[0], draw)]
        return kind if self.strike(kind) else None

    def _table(self, special: tuple[str, ...]) -> tuple[list[float], list[str]]:
        kinds = [kind for kind in (*_ANYWHERE, *special) if kind in self.on]
        chances = [_CHANCE[kind] * self.roughness for kind in kinds]
        return [*accumulate(chances)] or [0.0], kinds

    def at(self, kind: str, chance: float) -> bool:
        """Tell whether a fault that has this chance strikes now."""
        if kind not in self.on or self.calm:
            return False
        return self.draws(kind).random() < chance * self.roughness and self.strike(kind)

    def strike(self, kind: str, text: str = "") -> bool:
        """Count a strike; False when it is left out."""
        self._ordinals[kind] += 1
        name = f"{kind}#{self._ordinals[kind]}"
        if name in self.left_out:
            return False
        self.counts[kind] += 1
        self.struck.append(name)
        self.told(name, text)
        if len(self.struck) >= self._until:
            self.calm = True
        return True


def chosen(names: Iterable[str] | None) -> frozenset[str]:
    """Return the kinds named; all without names. Raises ValueError for a name that is none."""
    named = frozenset(KINDS) if names is None else frozenset(names)
    unknown = sorted(named - frozenset(KINDS) - frozenset(BEYOND))
    if unknown:
        raise ValueError(f"no fault is called {', '.join(unknown)}; there are: {', '.join(KINDS)}")
    return named
