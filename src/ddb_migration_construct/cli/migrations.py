"""Finding a migration of this account and Region by its name or its state machine's ARN."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ddb_migration_construct._runtime import names
from ddb_migration_construct.cli.failures import CommandFailed


@dataclass(frozen=True)
class Migration:
    """One deployed migration: its name ("<StackName>/<ConstructId>") and the parts that the commands use.

    `source` and `destination` are ARNs of tables, `clean_up`, `reread` and `cut_over` names of functions,
    `change_queue` and `dead_letter_queue` URLs of queues, `verify_job` is the name of a Glue job.
    The reverse queues are None where it cannot be rolled back.
    """

    name: str
    state_machine_arn: str
    source: str
    destination: str
    control_table: str
    clean_up: str
    change_queue: str
    dead_letter_queue: str
    reread: str
    verify_job: str
    bucket: str
    cut_over: str
    reverse_change_queue: str | None = None
    reverse_dead_letter_queue: str | None = None

    @property
    def can_roll_back(self) -> bool:
        """Tell whether it has a way back to its source."""
        return self.reverse_change_queue is not None

    @property
    def stack(self) -> str:
        """Return the name of the stack that it belongs to."""
        return self.name.split("/", 1)[0]

    @property
    def tables(self) -> tuple[str, str]:
        """Return the names of source and destination."""
        source, destination = (arn.rpartition("/")[2] for arn in (self.source, self.destination))
        return source, destination

    @property
    def has_destination_here(self) -> bool:
        """Tell whether the destination is of the migration's own account and Region."""
        return self.source.split(":")[3:5] == self.destination.split(":")[3:5]


# Where the commands find each part: tags of the state machine.
_PARTS = {
    "source": names.TAG_SOURCE,
    "destination": names.TAG_DESTINATION,
    "control_table": names.TAG_CONTROL_TABLE,
    "clean_up": names.TAG_CLEAN_UP,
    "change_queue": names.TAG_CHANGE_QUEUE,
    "dead_letter_queue": names.TAG_DEAD_LETTER_QUEUE,
    "reread": names.TAG_REREAD,
    "verify_job": names.TAG_VERIFY_JOB,
    "bucket": names.TAG_BUCKET,
    "cut_over": names.TAG_CUT_OVER,
}
_PARTS_OF_A_WAY_BACK = {
    "reverse_change_queue": names.TAG_REVERSE_CHANGE_QUEUE,
    "reverse_dead_letter_queue": names.TAG_REVERSE_DEAD_LETTER_QUEUE,
}


def migrations(states: Any) -> Iterator[Migration]:
    """Yield the migrations of this account and Region, given a Step Functions client."""
    for page in states.get_paginator("list_state_machines").paginate():
        for machine in page["stateMachines"]:
            arn = machine["stateMachineArn"]
            tags = {tag["key"]: tag["value"] for tag in states.list_tags_for_resource(resourceArn=arn)["tags"]}
            if names.TAG_NAME in tags:
                yield _migration(arn, tags)


def find_migration(states: Any, name: str) -> Migration:
    """Return the migration with this name or this state machine's ARN.

    Raises CommandFailed, listing the migrations that exist, when there is none, or more than one.
    """
    return _named(list(migrations(states)), name)


def choose(states: Any, given: Sequence[str], stack: str | None = None) -> list[Migration]:
    """Return the migrations with these names or ARNs, and all of a stack, each once.

    Raises CommandFailed when a name is unknown or belongs to more than one, or the stack has no migration.
    """
    known = list(migrations(states))
    found = [_named(known, name) for name in given]
    if stack is not None:
        found += _of_stack(known, stack)
    return list(dict.fromkeys(found))


def _named(known: Sequence[Migration], name: str) -> Migration:
    found = [migration for migration in known if name in (migration.name, migration.state_machine_arn)]
    if len(found) > 1:
        arns = "\n".join(f"  {migration.state_machine_arn}" for migration in found)
        raise CommandFailed(f"more than one migration is called {name!r}; use the ARN of one of these:\n{arns}")
    if not found:
        raise CommandFailed(f"there is no migration {name!r} in this account and Region; {_listed(known)}")
    return found[0]


def _of_stack(known: Sequence[Migration], stack: str) -> list[Migration]:
    found = sorted((migration for migration in known if migration.stack == stack), key=lambda one: one.name)
    if not found:
        raise CommandFailed(f"the stack {stack!r} has no migration in this account and Region; {_listed(known)}")
    return found


def _migration(arn: str, tags: dict[str, str]) -> Migration:
    missing = [tag for tag in _PARTS.values() if tag not in tags]
    if missing:
        raise CommandFailed(
            f"the state machine {arn} has lost its tags {', '.join(missing)}; deploy its stack again to restore them"
        )
    found = {part: tags[tag] for part, tag in (_PARTS | _PARTS_OF_A_WAY_BACK).items() if tag in tags}
    return Migration(tags[names.TAG_NAME], arn, **found)


def _listed(known: Sequence[Migration]) -> str:
    if not known:
        return "there are none; deploy a stack with a DynamoDbTableMigration, and check profile and Region"
    return "there are:\n" + "\n".join(f"  {migration.name}" for migration in sorted(known, key=lambda one: one.name))
