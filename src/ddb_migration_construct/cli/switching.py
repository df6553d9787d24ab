"""What `cut-over` and `roll-back` have in common: the order, and leading migrations through it."""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Any

import typer

from ddb_migration_construct.cli.control_table import FENCED
from ddb_migration_construct.cli.failures import REFUSED, CommandFailed, aws_errors
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
        """Give the order to each migration, follow all of them to their end, and return what came of it.

        What keeps it from that calls a group off that was ordered, and is told with what becomes of the order.
        """
        way, group = self.way, self.given.group
        following = Following(self.states, self.dynamodb, way, concerned, group, note, self.sleep, self.clock)
        ordered: list[Migration] = []
        try:
            with aws_errors():
                self._give(concerned, ordered)
                following.to_the_end(_PREPARED_WITHIN_SECONDS + self.given.timeout_seconds + _LIFTED_WITHIN_SECONDS)
        except CommandFailed as failed:
            # What AWS refused has a cause; the other texts say themselves what becomes of the order.
            left = self._left(following, ordered) if group or failed.__cause__ else ""
            raise CommandFailed(f"{failed}{left}", failed.exit_code) from failed
        except KeyboardInterrupt:
            typer.echo(f"ddb-migration: interrupted{self._left(following, ordered)}", err=True)
            raise
        return following

    def _give(self, concerned: Sequence[Migration], ordered: list[Migration]) -> None:
        ordering = Ordering(self.states, self.dynamodb, self.way, self.sleep)
        for migration in concerned:
            # Noted before: an order may be given and the answer to it be lost.
            ordered.append(migration)
            try:
                ordering.give(migration, self.given.for_sample(self.samples.get(migration)).text())
            except CommandFailed:
                ordered.pop()
                raise

    def _left(self, following: Following, ordered: Sequence[Migration]) -> str:
        """Call a group off, and say what becomes of what was ordered; nothing where nothing was."""
        if not ordered:
            return ""
        names = " ".join(migration.name for migration in ordered)
        if self.given.group is None:
            return f"\nWhat was ordered goes on in your account; how far it is: ddb-migration status {names}"
        with contextlib.suppress(CommandFailed), aws_errors():
            following.call_off(ordered)
        return f"\nThose that were ordered turn back, unless all were told to go through: ddb-migration status {names}"


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
