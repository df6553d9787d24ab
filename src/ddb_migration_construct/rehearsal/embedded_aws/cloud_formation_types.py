"""Resources and properties of CloudFormation that MiniStack does not create by itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.services import dynamodb, glue
from ministack.services.cloudformation import provisioners

from .settings import ACCOUNT_ID, REGION

_NAME_LENGTH = 255
# Where a handler of either action has the resource's new properties.
_PROPERTIES_ARGUMENT = {"create": 1, "update": 2}

Properties = dict[str, Any]


def _create_security_configuration(
    logical_id: str, properties: Properties, stack_name: str
) -> tuple[str, dict[str, Any]]:
    name = properties.get("Name") or provisioners._physical_name(stack_name, logical_id, max_len=_NAME_LENGTH)
    status, _, body = glue._create_security_configuration({**properties, "Name": name})
    if status >= 400:
        raise ValueError(json.loads(body)["message"])
    return name, {}


def _delete_security_configuration(physical_id: str, properties: Properties) -> None:
    del properties
    glue._delete_security_configuration({"Name": physical_id})


def _keep_concurrency(job_name: str, properties: Properties) -> None:
    glue._jobs[job_name]["ExecutionProperty"] = properties.get("ExecutionProperty") or {"MaxConcurrentRuns": 1}


def _keep_recovery(table_name: str, properties: Properties) -> None:
    (replica, *_) = properties.get("Replicas") or [properties]
    recovery = replica.get("PointInTimeRecoverySpecification") or {}
    dynamodb._pitr_settings[table_name] = recovery.get("PointInTimeRecoveryEnabled") in (True, "true")


def _put_alarm(original: Callable[..., Any]) -> Callable[..., Any]:
    """Let an alarm of metric math exist by its name alone: MiniStack evaluates none, and would refuse the stack."""

    def put(name: str, properties: Properties) -> Any:
        if properties.get("Metrics"):
            return name, {"Arn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT_ID}:alarm:{name}"}
        return original(name, properties)

    return put


def _then(resource_type: str, also: Callable[[str, Properties], None]) -> None:
    """Let the handlers of a type also do what MiniStack's leave out."""
    handlers = provisioners._RESOURCE_HANDLERS[resource_type]
    for action, position in _PROPERTIES_ARGUMENT.items():
        handlers[action] = _with(handlers[action], position, also)


def _with(original: Callable[..., Any], position: int, also: Callable[[str, Properties], None]) -> Any:
    def handler(*arguments: Any, **named: Any) -> Any:
        physical_id, attributes = original(*arguments, **named)
        also(physical_id, arguments[position])
        return physical_id, attributes

    return handler


def install() -> None:
    """Add Glue's security configurations, the concurrency of its jobs, recovery of tables, alarms of metric math."""
    provisioners._cw_metric_alarm_put = _put_alarm(provisioners._cw_metric_alarm_put)
    provisioners._RESOURCE_HANDLERS["AWS::Glue::SecurityConfiguration"] = {
        "create": _create_security_configuration,
        "delete": _delete_security_configuration,
    }
    _then("AWS::Glue::Job", _keep_concurrency)
    _then("AWS::DynamoDB::Table", _keep_recovery)
    _then("AWS::DynamoDB::GlobalTable", _keep_recovery)
