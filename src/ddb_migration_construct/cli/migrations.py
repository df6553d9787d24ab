"""Finding a migration of this account and Region by its name or its state machine's ARN."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ddb_migration_construct._runtime import names
from ddb_migration_construct.cli.failures import CommandFailed


@dataclass(frozen=True)
class Migration:
    """One deployed migration: its name ("<StackName>/<ConstructId>") and the parts that the commands use.

    `clean_up` and `reread` are names of functions, `change_queue` and `dead_letter_queue` URLs of queues.
    """

    name: str
    state_machine_arn: str
    control_table: str
    clean_up: str
    change_queue: str
    dead_letter_queue: str
    reread: str


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
    known = list(migrations(states))
    found = [migration for migration in known if name in (migration.name, migration.state_machine_arn)]
    if len(found) > 1:
        arns = "\n".join(f"  {migration.state_machine_arn}" for migration in found)
        raise CommandFailed(f"more than one migration is called {name!r}; use the ARN of one of these:\n{arns}")
    if not found:
        raise CommandFailed(f"there is no migration {name!r} in this account and Region; {_listed(known)}")
    return found[0]


def _migration(arn: str, tags: dict[str, str]) -> Migration:
    parts = (
        names.TAG_CONTROL_TABLE,
        names.TAG_CLEAN_UP,
        names.TAG_CHANGE_QUEUE,
        names.TAG_DEAD_LETTER_QUEUE,
        names.TAG_REREAD,
    )
    missing = [tag for tag in parts if tag not in tags]
    if missing:
        raise CommandFailed(
            f"the state machine {arn} has lost its tags {', '.join(missing)}; deploy its stack again to restore them"
        )
    return Migration(tags[names.TAG_NAME], arn, *(tags[tag] for tag in parts))


def _listed(known: list[Migration]) -> str:
    if not known:
        return "there are none; deploy a stack with a DynamoDbTableMigration, and check profile and Region"
    return "there are:\n" + "\n".join(f"  {migration.name}" for migration in sorted(known, key=lambda one: one.name))
