"""What `cut-over` and `roll-back` have in common: the order, and leading migrations through it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Any

import typer

from ddb_migration_construct.cli.control_table import FENCED
from ddb_migration_construct.cli.failures import REFUSED, CommandFailed
from ddb_migration_construct.cli.following import Following
from ddb_migration_construct.cli.frame import note
from ddb_migration_construct.cli.migrations import Migration
from ddb_migration_construct.cli.ordering import Ordering
from ddb_migration_construct.cli.ways import Way

DEFAULT_TIMEOUT = 180
# What a fenced switch waits out by itself is 75 s (`--dry-run` tells), and AWS takes a policy and a mapping over in its
# own time; with less it would only deny writes and turn back.
LEAST_TIMEOUT, MOST_TIMEOUT = 120, 3600
# What a switch takes at most before its time-out begins, and after it.
_PREPARED_WITHIN_SECONDS, _LIFTED_WITHIN_SECONDS = 1800.0, 300.0

DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
Timeout = Annotated[
    int,
    typer.Option(
        min=LEAST_TIMEOUT, max=MOST_TIMEOUT, help="Turn back if it takes longer, in seconds from the fence on."
    ),
]


@dataclass(frozen=True)
class Order:
    """How to switch: `group` is None for one migration alone, `accepted_sample` where all was verified."""

    form: str = FENCED
    timeout_seconds: int = DEFAULT_TIMEOUT
    group: str | None = None
    accepted_sample: str | None = None
    accepted_by: str | None = None

    def for_sample(self, sample: str | None) -> Order:
        """Return the order for a migration that was verified on this sample, None for one that was verified whole."""
        return replace(self, accepted_sample=sample, accepted_by=self.accepted_by if sample else None)

    def text(self) -> str:
        """Return what the state machine is given."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Switches:
    """Gives an order to migrations, and leads them through it; `samples` are the passes accepted for some of them."""

    states: Any
    dynamodb: Any
    way: Way
    given: Order
    samples: Mapping[Migration, str] = field(default_factory=dict)
    sleep: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.time

    def order(self, concerned: Sequence[Migration]) -> Following:
        """Give the order to each migration, follow all of them to their end, and return what came of it."""
        following = Following(self.dynamodb, self.way, concerned, self.given.group, note, self.sleep, self.clock)
        ordering = Ordering(self.states, self.dynamodb, self.way, self.sleep)
        for migration in concerned:
            ordering.give(migration, self.given.for_sample(self.samples.get(migration)).text())
        following.to_the_end(_PREPARED_WITHIN_SECONDS + self.given.timeout_seconds + _LIFTED_WITHIN_SECONDS)
        return following


def group_of(concerned: Sequence[Migration]) -> str | None:
    """Return the name of a new group for several migrations, None for one alone."""
    return uuid.uuid4().hex if len(concerned) > 1 else None


def require_none(reasons: Sequence[str], migration: Migration, way: Way) -> None:
    """Raise CommandFailed (exit code 3) where there are reasons against a switch."""
    if reasons:
        listed = "".join(f"\n{line}" for line in _numbered(reasons))
        raise CommandFailed(f"{migration.name} cannot {way.verb} now:{listed}", REFUSED)


def would(reasons: Sequence[str], migration: Migration, way: Way, steps: Iterable[str]) -> list[str]:
    """Return what a dry run says: whether the migration would switch, what speaks against it, and what is done."""
    done = [f"  - {step}" for step in steps]
    if not reasons:
        return [f"{migration.name}: would {way.verb}:", *done]
    return [f"{migration.name}: would be refused:", *_numbered(reasons), "When nothing is in the way, it would:", *done]


def _numbered(reasons: Sequence[str]) -> list[str]:
    return [f"  {number}. {reason}" for number, reason in enumerate(reasons, 1)]
