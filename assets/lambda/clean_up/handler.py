"""CleanUp: the custom resource of a migration, and what `ddb-migration abort` calls."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from typing import Any

from clean_up import bucket, custom_resource, guard
from clean_up.ending import Ending, Fence
from clean_up.export import remove_export, unfinished_export
from clean_up.fence_left import tell_of_fences
from ddb_migration import names
from ddb_migration.aws.announcements import Announcements
from ddb_migration.aws.clients import client
from ddb_migration.aws.control_table import ControlTable, control_of
from ddb_migration.aws.destination_lock import DestinationLock
from ddb_migration.aws.environment import Environment
from ddb_migration.aws.executions import Executions
from ddb_migration.aws.exports import Exports
from ddb_migration.aws.jobs import Jobs
from ddb_migration.aws.mappings import Mappings
from ddb_migration.aws.table_policy import TablePolicy
from ddb_migration.core.control_record import MigrationStopped

LOOK_SECONDS = 5
# Left to tell CloudFormation that the ending takes longer than one invocation.
RESERVE_SECONDS = 30


class StillEnding(Exception):
    """The ending takes longer than one invocation may run."""


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any] | None:
    """Do one pass of an abort, or serve an event of CloudFormation."""
    if event.get("action") == "abort":
        return _asked()
    act = {"Create": _create, "Update": _update, "Delete": _delete}[event["RequestType"]]
    me = Environment.of_process().holder
    custom_resource.answer(event, lambda: act(event, context), f"migration/{me.control_table}")
    return None


def _asked() -> dict[str, Any]:
    """Answer an operator; `left_on` names what this migration switched on and leaves so: others may use it by now."""
    try:
        waiting = _abort()
    except MigrationStopped as stopped:
        return {"done": False, "waiting_for": "", "refused": str(stopped)}
    return {
        "done": waiting is None,
        "waiting_for": waiting or "",
        "refused": None,
        "left_on": _ending().control.switched_on(),
    }


def _abort() -> str | None:
    ending = _ending()
    waiting = ending.step()
    if waiting is None:
        name = Environment.of_process()[names.MIGRATION_BUCKET]
        remove_export(client("s3"), _exports(), ending.control.read(), name)
    return waiting


def _create(event: Mapping[str, Any], context: Any) -> None:
    properties = event["ResourceProperties"]
    if properties["ForceDelete"] != "true":
        guard.require_unharmed(_lock(properties["DestinationTable"]), Environment.of_process().holder)


def _update(event: Mapping[str, Any], context: Any) -> None:
    _create(event, context)
    old, new = event["OldResourceProperties"], event["ResourceProperties"]
    if new["ForceDelete"] == "true":
        return
    me, left = Environment.of_process().holder, old["DestinationTable"]
    if left != new["DestinationTable"]:
        guard.require_not_left(_lock(left), me)
    if "ReverseStreamProcessor" in old and old["ReverseStreamProcessor"] != new.get("ReverseStreamProcessor"):
        guard.require_way_back(_lock(left), me)
    if "FenceSourceWrites" in old and "FenceSourceWrites" not in new:
        guard.require_fencing(_lock(left), me)


def _delete(event: Mapping[str, Any], context: Any) -> None:
    """End the epoch, then empty the bucket unless it is to be kept."""
    ending = _ending()
    ending.control.bury()
    _repeat(ending.step, context)
    tell_of_fences(ending.fences, _announcements())
    if event["ResourceProperties"]["KeepBucket"] == "true":
        return
    environment = Environment.of_process()
    _repeat(lambda: unfinished_export(_exports(), ending.control.read()), context)
    bucket.empty(client("s3"), environment[names.MIGRATION_BUCKET])


def _repeat(step: Callable[[], str | None], context: Any) -> None:
    while (waiting := step()) is not None:
        if context.get_remaining_time_in_millis() / 1000 < RESERVE_SECONDS:
            raise StillEnding(f"still waiting for {waiting}; delete the stack again, it goes on from there")
        time.sleep(LOOK_SECONDS)


def _announcements() -> Announcements:
    environment = Environment.of_process()
    return Announcements.of(environment[names.MIGRATION_NAME], environment[names.NOTIFICATION_TOPIC])


def _exports() -> Exports:
    environment = Environment.of_process()
    return Exports(client("dynamodb"), environment[names.SOURCE_TABLE], environment[names.MIGRATION_BUCKET])


def _lock(destination_arn: str) -> DestinationLock:
    return DestinationLock(client("ssm"), destination_arn, Environment.of_process().holder)


@functools.cache
def _ending() -> Ending:
    environment = Environment.of_process()
    paths = [path for path in (environment, environment.reverse) if path is not None]
    jobs = [environment[name] for name in (names.DIRECT_MIGRATION_JOB, names.LARGE_MIGRATION_JOB, names.VERIFY_JOB)]
    return Ending(
        control=ControlTable(client("dynamodb"), environment[names.CONTROL_TABLE]),
        mappings=Mappings(client("lambda")),
        jobs=Jobs(client("glue"), jobs),
        executions=Executions(client("stepfunctions")),
        lock=_lock(environment[names.DESTINATION_TABLE]),
        functions=tuple(path[name] for path in paths for name in (names.STREAM_PROCESSOR, names.WRITE_CDC)),
        fences=tuple(map(_fence, paths)),
        clock=time.time,
    )


def _fence(path: Environment) -> Fence:
    dynamodb, table = client("dynamodb"), path[names.SOURCE_TABLE]
    return Fence(control_of(path, dynamodb), TablePolicy(dynamodb, table), path.fence, table)
