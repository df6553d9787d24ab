"""What a seed decides beforehand: the writes to the source, when they come, and what happens to the migration."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ddb_migration import names
from tests.simulation.faults import (
    BACK_PREMISES,
    CALLS_TOO,
    CUT_OVERS,
    FEW_KINDS,
    INCIDENTS,
    KINDS,
    PREMISES,
    ROLL_BACKS,
)

STATES = (
    names.SETUP_CHECK_STATE,
    names.START_CAPTURE_STATE,
    names.SETTLE_STATE,
    names.CHOOSE_BULK_LOAD_STATE,
    names.DIRECT_MIGRATION_JOB_STATE,
    names.EXPORT_STATE,
    names.LARGE_MIGRATION_JOB_STATE,
    names.BARRIER_STATE,
    names.ENABLE_TRIGGER_STATE,
    names.DRAIN_STATE,
    names.READY_TO_CUT_OVER_STATE,
    names.CUT_OVER_STATE,
    names.COMPLETE_STATE,
    names.START_REVERSE_CAPTURE_STATE,
    names.ROLLBACK_WINDOW_STATE,
    names.ROLL_BACK_STATE,
    names.LIFT_DESTINATION_FENCE_STATE,
    names.VERIFY_STATE,
    names.VERIFY_JOB_STATE,
    names.REPAIR_STATE,
)
# Moments at which something may begin: a state is entered, a Scan page is read, an incident strikes, all is drained.
MOMENTS = (*STATES[:10], *STATES[4:10], "page", "page", "page", "incident", "incident", "drained")
# What a migration passes through that goes on to its cut-over.
LAST_MOMENTS = (
    names.VERIFY_JOB_STATE,
    names.REPAIR_STATE,
    names.READY_TO_CUT_OVER_STATE,
    names.CUT_OVER_STATE,
    names.CUT_OVER_STATE,
    names.FENCED_PHASE,
    names.FENCED_PHASE,
    names.FENCE_LIFTED_PHASE,
    names.HAS_CUT_OVER_PHASE,
)
# What a migration passes through that can be rolled back.
BACK_MOMENTS = (
    names.START_REVERSE_CAPTURE_STATE,
    names.HAS_CUT_OVER_PHASE,
    names.HAS_CUT_OVER_PHASE,
    names.ROLLBACK_WINDOW_STATE,
    names.ROLLBACK_WINDOW_STATE,
    names.ROLL_BACK_STATE,
    names.ROLL_BACK_STATE,
    names.DESTINATION_FENCED_PHASE,
    names.DESTINATION_FENCED_PHASE,
    names.DESTINATION_FENCE_LIFTED_PHASE,
    names.ROLLED_BACK_PHASE,
)
# What strikes at one moment only.
OWN_MOMENTS: Mapping[str, tuple[str, ...]] = {"completion-stopped": (names.COMPLETE_STATE,)}
# How often a migration goes on to its cut-over, and how often one that does so can be rolled back.
GOES_ON = 0.35
CAN_ROLL_BACK = 0.6
# Incidents that strike a migration that can be rolled back in its window and its roll back too.
BACK_INCIDENTS = frozenset({"execution-stopped", "second-execution", "queue-storm", "shard-split", "policy-deployed"})
WINDOW_SECONDS = (3600.0, 3600.0, 10_000.0)
# Long enough for the destination's stream to lose changes.
LONG_WINDOW_SECONDS = 2 * 86400.0
# How often a key is never written to: what is lost of it no later change brings back.
QUIET = 0.2
# How often an item is so young that the stream still holds its beginning; all others only the bulk load can copy.
YOUNG = 0.2
# How often an incident is part of a run in which its kind may strike.
LIKELY: Mapping[str, float] = {
    "shard-split": 0.4,
    "aborted": 0.3,
    "long-gap": 0.5,
    "kept-destination": 0.4,
    "few-receives": 0.25,
    "execution-stopped": 0.4,
    "destination-storm": 0.4,
    "stale-reads": 0.5,
    "stream-off": 0.3,
    "keys-only": 0.08,
    "export": 0.2,
    "stream-replaced": 0.05,
    "stream-gap": 0.05,
    "capture-gap": 0.05,
    "capture-failing": 0.03,
    "change-expired": 0.05,
    "straggler": 0.5,
    "reverse-few-receives": 0.2,
    "stack-deleted": 0.15,
    "destination-keys-only": 0.1,
    "reverse-capture-gap": 0.1,
    "destination-stream-replaced": 0.15,
}


@dataclass(frozen=True)
class Moment:
    """The `occurrence`th time that something of this name is told, and so many seconds later."""

    name: str
    occurrence: int
    seconds: float


@dataclass(frozen=True)
class Write:
    """One write of the application: `value` is None for a deletion; `gap` seconds after the one before."""

    name: str
    key: int
    value: str | None
    size: int
    rejected: bool
    by_time_to_live: bool
    gap: float


@dataclass(frozen=True)
class Burst:
    """Writes that come together from a moment on."""

    moment: Moment
    writes: tuple[Write, ...]


@dataclass(frozen=True)
class Incident:
    """Something that happens to the migration."""

    kind: str
    moment: Moment
    seconds: float


@dataclass(frozen=True)
class Scenario:
    """One run, before it runs; `left_out` names writes and strikes that a shorter run does without."""

    seed: str
    on: frozenset[str] = frozenset(KINDS)
    left_out: frozenset[str] = frozenset()
    keys: int = 0
    loaded: tuple[int, ...] = ()
    young: tuple[int, ...] = ()
    bursts: tuple[Burst, ...] = ()
    incidents: tuple[Incident, ...] = ()
    nature: frozenset[str] = frozenset()
    focused: bool = False
    goes_on: bool = False
    rollback_window: float | None = None
    scan_seconds: float = 20.0
    look_seconds: float = 1.0
    workers: int = 2
    page_items: int = field(default=3)
    segments: int = 16
    write_units: int | None = None

    @property
    def goes_as_far_as(self) -> str:
        """Return the last that the migration is played to: its drain, its cut-over, or a window for a roll back."""
        if self.rollback_window is not None:
            return "roll-back"
        return "cut-over" if self.goes_on else "drain"


def drawn(
    seed: str, on: frozenset[str], left_out: frozenset[str] = frozenset(), focused: bool | None = None
) -> Scenario:
    """Draw a scenario; leaving a fault out moves nothing else. `focused` makes each kind part of most runs."""
    focused = len(on) <= FEW_KINDS if focused is None else focused
    draws = random.Random(f"{seed}/scenario")
    keys = draws.randint(10, 28)
    loaded = tuple(key for key in range(keys) if draws.random() < 0.7)
    still = random.Random(f"{seed}/quiet")
    quiet = frozenset(key for key in range(keys) if still.random() < QUIET)
    young = frozenset(key for key in range(keys) if still.random() < YOUNG)
    least = 0.7 if focused else 0.0
    nature = frozenset(kind for kind in _FORWARD if draws.random() < max(least, LIKELY.get(kind, 0.25)) and kind in on)
    back = _nature_back(seed, on, least)
    goes_on = bool(back or nature & set(CUT_OVERS)) if focused else random.Random(f"{seed}/goes-on").random() < GOES_ON
    can_roll_back = goes_on and _can_roll_back(seed, nature, back, focused)
    return Scenario(
        seed=seed,
        on=on,
        left_out=left_out,
        keys=keys,
        loaded=tuple(key for key in loaded if key not in young),
        young=tuple(key for key in loaded if key in young),
        bursts=(
            *_bursts(random.Random(f"{seed}/writes"), keys, quiet, on, left_out, MOMENTS),
            *(
                burst
                for part, moments in _parts(goes_on, can_roll_back)
                for burst in _bursts(random.Random(f"{seed}/{part}"), keys, quiet, on, left_out, moments, f"{part}#")
            ),
        ),
        incidents=(
            *_incidents(seed, nature - set(CUT_OVERS), MOMENTS),
            *(_incidents(f"{seed}/last", nature, LAST_MOMENTS) if goes_on else ()),
            *(_incidents(f"{seed}/back", back | (nature & BACK_INCIDENTS), BACK_MOMENTS) if can_roll_back else ()),
        ),
        goes_on=goes_on,
        rollback_window=_window(seed, back) if can_roll_back else None,
        nature=nature | back if can_roll_back else nature,
        focused=focused,
        scan_seconds=draws.choice((1.0, 5.0, 20.0, 40.0)),
        # A bulk load that looks at its permit so seldom takes hours, and costs the simulation little.
        look_seconds=draws.choice((1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 900.0)),
        workers=draws.choice((2, 2, 4)),
        # So few segments and so short pages that a checkpoint can lie in the midst of a segment.
        page_items=draws.choice((1, 2, 4)),
        segments=draws.choice((4, 8, 16)),
        # With so small a rate a page waits for seconds to be written, as a real one does with its many batches.
        write_units=draws.choice((None, 1, 4)),
    )


def _parts(goes_on: bool, can_roll_back: bool) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what a migration has behind its drain, and the moments of each."""
    if goes_on:
        yield "last", LAST_MOMENTS
    if can_roll_back:
        yield "back", BACK_MOMENTS


# Drawn first and in one order, so that what came later moves none of them.
_FORWARD = tuple(kind for kind in KINDS if kind not in {**ROLL_BACKS, **BACK_PREMISES, **CALLS_TOO})


def _nature_back(seed: str, on: frozenset[str], least: float) -> frozenset[str]:
    draws = random.Random(f"{seed}/nature-back")
    kinds = (*ROLL_BACKS, *BACK_PREMISES)
    return frozenset(kind for kind in kinds if draws.random() < max(least, LIKELY.get(kind, 0.25)) and kind in on)


def _can_roll_back(seed: str, nature: frozenset[str], back: frozenset[str], focused: bool) -> bool:
    """Tell whether the migration has a window, for which it has to be fenced."""
    if "unfenced" in nature:
        return False
    return bool(back) if focused else random.Random(f"{seed}/can-roll-back").random() < CAN_ROLL_BACK


def _window(seed: str, back: frozenset[str]) -> float:
    if "reverse-capture-gap" in back:
        return LONG_WINDOW_SECONDS
    return random.Random(f"{seed}/window").choice(WINDOW_SECONDS)


def moment(draws: random.Random, moments: tuple[str, ...]) -> Moment:
    """Draw a moment; most lie close behind what they wait for."""
    name = draws.choice(moments)
    occurrence = draws.randint(1, 20) if name == "page" else draws.choice((1, 1, 1, 2))
    seconds = draws.choice((0.0, 1.0, 10.0, 60.0, 300.0, 3000.0)) * draws.random()
    return Moment(name, occurrence, seconds)


def _bursts(
    draws: random.Random,
    keys: int,
    quiet: frozenset[int],
    on: frozenset[str],
    left_out: frozenset[str],
    moments: tuple[str, ...],
    name: str = "write#",
) -> tuple[Burst, ...]:
    bursts, number = [], 0
    total = draws.randint(8, 24)
    last = [draws.randrange(total) for _ in range(keys)]
    written = [key for key in range(keys) if key not in quiet] or [0]
    for place in range(total):
        alive = [key for key in written if last[key] >= place] or [draws.choice(written)]
        gap = draws.choice((0.001, 0.05, 0.3, 2.0, 20.0))
        writes = []
        for _ in range(draws.choice((2, 8, 16, 24))):
            number += 1
            write = _write(draws, f"{name}{number}", draws.choice(alive[:6] if number % 2 else alive), gap, on)
            if write.name not in left_out:
                writes.append(write)
        when = moment(draws, moments)
        if writes:
            bursts.append(Burst(when, tuple(writes)))
    return tuple(bursts)


def _write(draws: random.Random, name: str, key: int, gap: float, on: frozenset[str]) -> Write:
    kind, size, rejected, expired = (draws.random() for _ in range(4))
    # Half the keys go back and forth between two values, the others never see one again.
    value = draws.choice("AB") if key % 2 else name
    large = 0 if size > 0.06 or "large-item" not in on else draws.choice((1200, 6000))
    return Write(
        name=name,
        key=key,
        value=None if kind < 0.3 else value,
        size=large,
        rejected=rejected < 0.02 and "rejected-item" in on,
        by_time_to_live=expired < 0.3 and "time-to-live" in on,
        gap=gap * draws.random(),
    )


def _incidents(seed: str, nature: frozenset[str], moments: tuple[str, ...]) -> tuple[Incident, ...]:
    found = []
    for kind in sorted(nature & {*INCIDENTS, *PREMISES, *CUT_OVERS, *ROLL_BACKS, *BACK_PREMISES}):
        draws = random.Random(f"{seed}/incident/{kind}")
        for _ in range(draws.choice((1, 1, 2))):
            seconds = draws.choice((1.0, 30.0, 200.0, 3000.0, 40000.0)) * (0.2 + draws.random())
            found.append(Incident(kind, moment(draws, OWN_MOMENTS.get(kind, moments)), seconds))
    return tuple(found)
