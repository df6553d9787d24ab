"""Finding a migration of this account and Region by its name or its state machine's ARN."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
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
    def place(self) -> str:
        """Return account and Region in words: in another one there may be a migration of the same name."""
        region, account = self.state_machine_arn.split(":")[3:5]
        return f"Account {account}, {region}"

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
# A part of the state machine's logical ID, which CloudFormation makes its name of.
_USUAL_NAME = "MigrateStateMachine"
# What is answered of a state machine that was deleted after it was listed, or is of another Region (Step Functions API,
# ListTagsForResource).
_GONE = ("ResourceNotFound", "InvalidArn")


class Directory:
    """The migrations of this account and Region; `states` is a Step Functions client.

    Each state machine costs a ListTagsForResource, of which AWS answers a hundred at once and then one a second (Step
    Functions guide, "Quotas"). So none is asked twice, and those of others only where a name is not found without them.
    """

    def __init__(self, states: Any) -> None:
        self._states = states
        self._asked: dict[str, Mapping[str, str] | None] = {}

    @property
    def all(self) -> list[Found]:
        """All of them."""
        return [found for arn in self._arns if (found := self.at(arn)) is not None]

    @property
    def likely(self) -> list[Found]:
        """Those whose state machine has the name that CloudFormation gives it, unless an app says otherwise."""
        arns = [arn for arn in self._arns if _USUAL_NAME in arn.rpartition(":")[2]]
        return [found for arn in arns if (found := self.at(arn)) is not None]

    def at(self, arn: str) -> Found | None:
        """Return the one with this state machine, None where that is another's or is gone."""
        if arn not in self._asked:
            self._asked[arn] = self._tags(arn)
        tags = self._asked[arn]
        return None if tags is None or names.TAG_NAME not in tags else Found(arn, tags)

    @functools.cached_property
    def _arns(self) -> list[str]:
        pages = self._states.get_paginator("list_state_machines").paginate()
        return [machine["stateMachineArn"] for page in pages for machine in page["stateMachines"]]

    def _tags(self, arn: str) -> Mapping[str, str] | None:
        # Imported here so that the other commands start quickly.
        from botocore.exceptions import ClientError

        try:
            told = self._states.list_tags_for_resource(resourceArn=arn)["tags"]
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise
            return None
        return {tag["key"]: tag["value"] for tag in told}


@dataclass(frozen=True)
class Found:
    """A state machine with the name of a migration among its tags."""

    arn: str
    tags: Mapping[str, str]

    @property
    def name(self) -> str:
        """Return the migration's name."""
        return self.tags[names.TAG_NAME]

    @property
    def stack(self) -> str:
        """Return the name of the stack that it belongs to."""
        return self.name.split("/", 1)[0]

    @property
    def migration(self) -> Migration:
        """Return the migration; raises CommandFailed where tags are missing that tell of its parts."""
        missing = [tag for tag in _PARTS.values() if tag not in self.tags]
        if missing:
            raise CommandFailed(
                f"{self.name}: its state machine {self.arn} has lost its tags {', '.join(missing)}; deploy its stack "
                "again to restore them"
            )
        parts = (_PARTS | _PARTS_OF_A_WAY_BACK).items()
        return Migration(self.name, self.arn, **{part: self.tags[tag] for part, tag in parts if tag in self.tags})


def find_migration(states: Any, name: str) -> Migration:
    """Return the migration with this name or this state machine's ARN.

    Raises CommandFailed, listing the migrations that exist, when there is none, or more than one.
    """
    return _named(Directory(states), name)


def choose(states: Any, given: Sequence[str], stack: str | None = None) -> list[Migration]:
    """Return the migrations with these names or ARNs, and all of a stack, each once.

    Raises CommandFailed when a name is unknown or belongs to more than one, or the stack has no migration.
    """
    directory = Directory(states)
    found = [_named(directory, name) for name in given]
    if stack is not None:
        found += _of_stack(directory.all, stack)
    return list(dict.fromkeys(found))


def _named(directory: Directory, name: str) -> Migration:
    if name.startswith("arn:"):
        there = directory.at(name)
        found = [] if there is None else [there]
    else:
        found = _called(directory.likely, name) or _called(directory.all, name)
    if len(found) > 1:
        arns = "\n".join(f"  {one.arn}" for one in found)
        raise CommandFailed(f"more than one migration is called {name!r}; use the ARN of one of these:\n{arns}")
    if not found:
        raise CommandFailed(f"there is no migration {name!r} in this account and Region; {_listed(directory.all)}")
    return found[0].migration


def _called(known: Sequence[Found], name: str) -> list[Found]:
    return [found for found in known if found.name == name]


def _of_stack(known: Sequence[Found], stack: str) -> list[Migration]:
    found = sorted((one for one in known if one.stack == stack), key=lambda one: one.name)
    if not found:
        raise CommandFailed(f"the stack {stack!r} has no migration in this account and Region; {_listed(known)}")
    return [one.migration for one in found]


def _listed(known: Sequence[Found]) -> str:
    if not known:
        return "there are none; deploy a stack with a DynamoDbTableMigration, and check profile and Region"
    return "there are:\n" + "\n".join(f"  {one.name}" for one in sorted(known, key=lambda one: one.name))
