"""SetupCheck: looks at both tables, the roles and the epoch, and reports all problems at once."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Mapping
from typing import Any

from ddb_migration import names
from ddb_migration.aws.clients import client
from ddb_migration.aws.control_table import ControlTable
from ddb_migration.aws.destination_lock import DestinationLock
from ddb_migration.aws.environment import Environment
from ddb_migration.aws.executions import Executions
from ddb_migration.aws.mappings import Mappings
from ddb_migration.aws.role_permissions import RolePermissions
from ddb_migration.aws.table_policy import TablePolicy
from ddb_migration.aws.tables import Tables
from ddb_migration.core.checks import check
from ddb_migration.core.findings import require_none
from ddb_migration.core.place import Place
from ddb_migration.core.state_call import Call, poll
from setup_check.features import switch_on, uncured
from setup_check.look import Look
from setup_check.roles import Roles
from setup_check.summary import summary


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Run every check; raises SetupCheckFailed with all the findings that stop the migration.

    Nothing is switched on while anything else is wrong.
    """
    look, roles = _parts()
    settings = look.environment.settings
    setup = look.at(event["execution"])
    findings = check(setup) + roles.findings(setup)
    if settings.enable_source_features:
        findings = uncured(findings)
    require_none(findings, settings.accepted_findings)
    if settings.enable_source_features:
        call = Call.of({"state": names.SETUP_CHECK_STATE, **event})
        polls = int(call.last.get("polls", 0))
        if waiting_for := switch_on(look.tables, look.control, setup, polls):
            return poll(call, waiting_for, state=names.SETUP_CHECK_STATE)
    told = summary(setup, findings)
    print(json.dumps(told))
    return {"done": True, "setup": told}


@functools.cache
def _parts() -> tuple[Look, Roles]:
    environment = Environment.of_process()
    there = environment.destination.client()
    look = Look(
        environment=environment,
        tables=Tables(client("dynamodb")),
        destination_tables=Tables(there),
        destination_policy=TablePolicy(there, environment[names.DESTINATION_TABLE]),
        control=ControlTable(client("dynamodb"), environment[names.CONTROL_TABLE]),
        mappings=Mappings(client("lambda")),
        executions=Executions(client("stepfunctions")),
        lock=DestinationLock(client("ssm"), environment[names.DESTINATION_TABLE], environment.holder),
        clock=time.time,
    )
    # A migration lives in the Region of its source.
    permissions = RolePermissions(client("iam"), Place.of(environment[names.SOURCE_TABLE]).region)
    return look, Roles(client("lambda"), permissions, environment)
