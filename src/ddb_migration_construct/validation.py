"""What can be wrong with the props, all of it found at once."""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterator
from typing import Any

from aws_cdk import Duration, Token

from ddb_migration_construct._runtime import names
from ddb_migration_construct.destination import Destination
from ddb_migration_construct.settings import Settings
from ddb_migration_construct.stack_facts import StackFacts, is_token
from ddb_migration_construct.table_facts import TableFacts

# SQS API, MessageRetentionPeriod: at most 14 days. Below a day no bulk load of any size fits.
LONGEST_RETENTION = Duration.days(14)
SHORTEST_RETENTION = Duration.days(1)
# Glue API, WorkerType: the sizes of Glue 5.1 that suit an even load.
WORKER_TYPES = ("G.1X", "G.2X", "G.4X", "G.8X")
# Lambda API, ScalingConfig: MaximumConcurrency is 2 to 1,000.
APPLY_CONCURRENCY = (2, 1000)
# Glue quotas: 299 workers of G.1X for one job.
WORKERS = (2, 299)

# Tagging guide of Step Functions: the characters that tags may hold; CloudWatch API, Dimension: of them only ASCII.
_UNFIT_FOR_A_NAME = re.compile(r"[^\w .:/=+\-@]", re.ASCII)
# CloudWatch API, PutMetricAlarm: a description of 1,024 characters, in which an alarm names its migration repeatedly.
LONGEST_NAME = 160

_ROLE_ARN = re.compile(r"arn:[\w-]+:iam::\d{12}:role/\S+")

_destinations: weakref.WeakKeyDictionary[Any, dict[str, str]] = weakref.WeakKeyDictionary()


def require_valid(
    path: str,
    source: TableFacts,
    destination: Destination,
    settings: Settings,
) -> None:
    """Refuse a migration that cannot work; `path` is its own in the construct tree.

    Raises:
        ValueError: listing everything wrong with the migration; unresolved tokens are not judged.
    """
    here = settings.stack
    problems = [
        *_name(here, path),
        *_same(source, destination.facts),
        *_source_place(here, source),
        *_destination_place(here, destination),
        *_retention(settings),
        *_settings(settings),
        *_rollback_window(here, destination, settings),
        *_destination_taken(here, path, destination.facts),
    ]
    if problems:
        listed = "\n".join(f"{number}. {problem}" for number, problem in enumerate(problems, 1))
        raise ValueError(f"{path}: the migration cannot be built:\n{listed}")


def _name(here: StackFacts, path: str) -> Iterator[str]:
    unfit = sorted(set(_UNFIT_FOR_A_NAME.findall(path)))
    if unfit:
        yield (
            f"the construct's path {path!r} holds {' '.join(unfit)}, and it becomes a tag of the state "
            "machine and the dimension of metrics: use ASCII letters, digits, spaces and _ . : / = + - @"
        )
    name = here.name_of(path)
    if _known(name) and len(name) > LONGEST_NAME:
        yield (
            f"the migration would be called {name!r}, by {len(name)} characters, and its alarms name it in no more "
            f"than {LONGEST_NAME}: shorten the stack's name, or the ids of the constructs that it is in"
        )


def _same(source: TableFacts, destination: TableFacts) -> Iterator[str]:
    if source.arn == destination.arn:
        yield "'source_table' and 'destination_table' are the same table; pass two"


def _source_place(here: StackFacts, source: TableFacts) -> Iterator[str]:
    """No other Region can read a stream, and exports are made in the account of the table."""
    places = (("region", source.region, here.region), ("account", source.account, here.account))
    for name, theirs, ours in places:
        if _known(theirs) and _known(ours) and theirs != ours:
            yield (
                f"'source_table' is in the {name} {theirs} and the migration's stack in {ours}; a migration lives in "
                "the account and Region of its source, whose stream it reads: put it into a stack there"
            )


def _destination_place(here: StackFacts, destination: Destination) -> Iterator[str]:
    theirs = destination.facts.region
    if destination.role_arn is None and _known(theirs) and _known(here.region) and theirs != here.region:
        yield (
            f"'destination_table' is in the region {theirs} and the migration's stack in {here.region}; in another "
            "Region a table is called as a role: pass 'destination_role' (docs/across-accounts.md)"
        )
    role = destination.role_arn
    if role is not None and _known(role) and not _ROLE_ARN.fullmatch(role):
        yield f"'destination_role' is {role!r}, which is no ARN of a role: pass arn:aws:iam::<account>:role/<name>"


def _retention(settings: Settings) -> Iterator[str]:
    if _is_token(settings.change_retention_seconds):
        return
    days = settings.change_retention_seconds / 86400
    if not 1 <= days <= 14:
        yield (
            f"'change_retention' is {days:g} days; a queue keeps messages for 14 days at most, and less than one "
            "day loses changes: pass Duration.days(1) to Duration.days(14)"
        )


def _rollback_window(here: StackFacts, destination: Destination, settings: Settings) -> Iterator[str]:
    """The destination's stream is read beside it only, and only a fenced source can become the table again."""
    window, facts = settings.rollback_window_seconds, destination.facts
    if window is None:
        return
    if not Token.is_unresolved(window) and not 3600 <= window <= 7 * 86400:
        yield (
            f"'rollback_window' is {window / 3600:g} hours; pass Duration.hours(1) to Duration.days(7), or leave it "
            "out: then the migration cannot be rolled back"
        )
    if not settings.fence_source_writes:
        yield (
            "'rollback_window' needs a source to which nothing else is written after the cut-over: pass "
            "fence_source_writes=True too"
        )
    if destination.role_arn is not None:
        yield (
            "'rollback_window' and 'destination_role' exclude each other: this version reads the destination's stream "
            "in its own account and Region only; leave one of the two out"
        )
        return
    for name, theirs, ours in (("region", facts.region, here.region), ("account", facts.account, here.account)):
        if _known(theirs) and _known(ours) and theirs != ours:
            yield (
                f"'rollback_window' is given and 'destination_table' is in the {name} {theirs}, the migration's stack "
                f"in {ours}: a stream cannot be read from another Region, and this version reads it in its own account "
                "only; leave 'rollback_window' out"
            )


def _settings(settings: Settings) -> Iterator[str]:
    reads, writes = settings.max_read_units_per_second, settings.max_write_units_per_second
    if reads is not None and not _is_token(reads) and reads < 1:
        yield f"'max_read_units_per_second' is {reads}; pass at least 1, or leave it out for a gentle default"
    if writes is not None and not _is_token(writes) and writes < 1:
        yield f"'max_write_units_per_second' is {writes}; pass at least 1, or leave it out for no limit"
    if not _is_token(settings.max_rejected_items) and settings.max_rejected_items < 0:
        yield f"'max_rejected_items' is {settings.max_rejected_items}; pass 0 or more"
    if _known(settings.worker_type) and settings.worker_type not in WORKER_TYPES:
        yield f"'worker_type' is {settings.worker_type!r}; pass one of {', '.join(WORKER_TYPES)}"
    yield from _between("max_workers", settings.max_workers, WORKERS)
    yield from _between("max_apply_concurrency", settings.max_apply_concurrency, APPLY_CONCURRENCY)
    findings = settings.accepted_findings
    for code in [] if findings and Token.is_unresolved(findings) else findings:
        if _known(code) and code not in names.ADVISED_FINDINGS:
            yield (
                f"'accepted_findings' names {code!r}, which is no advised finding; "
                f"those are {', '.join(names.ADVISED_FINDINGS)}"
            )


def _between(prop: str, value: int, limits: tuple[int, int]) -> Iterator[str]:
    least, most = limits
    if not _is_token(value) and not least <= value <= most:
        yield f"'{prop}' is {value}; pass {least} to {most}"


def _destination_taken(here: StackFacts, path: str, destination: TableFacts) -> Iterator[str]:
    """Two migrations into one destination would overwrite each other's work."""
    taken = _destinations.setdefault(here.root, {})
    # An ARN with tokens is another table in each stage: a stage is deployed on its own.
    stage = "" if _known(destination.arn) else here.stage_path
    owner = taken.setdefault(f"{stage} {destination.arn}", path)
    if owner != path:
        yield f"'destination_table' is already the destination of {owner}; a table takes one migration"


def _known(value: str) -> bool:
    return not is_token(value)


def _is_token(value: float) -> bool:
    """Tell whether only the deployment knows a number; such a number is never an int."""
    return not isinstance(value, int) and Token.is_unresolved(value)
