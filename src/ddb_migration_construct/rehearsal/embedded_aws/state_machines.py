"""Step Functions: MiniStack keeps state machines and tags, moto's interpreter runs the executions.

What differs from AWS: RedriveExecution is missing; a heartbeat that fails to come is States.Timeout; a
definition is checked when its first execution starts; executions of a deleted state machine go at once; the
ExecutionAborted of one stopped amid an invocation comes into its history once that has ended.
"""

from __future__ import annotations

import datetime
import enum
import threading
import time
import uuid
from typing import Any

from ministack.services import stepfunctions as machine_store
from moto.core.exceptions import JsonRESTError
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from . import interpreter
from .services import Answer, Request, ServiceError, answered, off_the_loop, put_in_front
from .settings import ACCOUNT_ID, REGION, Settings

_PAGE = 1000
_FIRST_STATE_SECONDS = 10.0
# A function's client gives up after four seconds.
_LAST_STATE_SECONDS = 1.0

_backend = StepFunctionsParserBackend(REGION, ACCOUNT_ID)
_born: dict[str, str] = {}
_lock = threading.RLock()


def _plain(value: Any) -> Any:
    """The value as the JSON protocol sends it: dates in epoch seconds, names of enumerations."""
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items() if entry is not None}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return value


def _machine(arn: str) -> Any:
    """Moto's copy of the state machine, brought up to what MiniStack holds."""
    record = machine_store._state_machines.get(arn)
    if record is None:
        _forget(arn)
        raise ServiceError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
    if _born.get(arn) != str(record["creationDate"]):
        _forget(arn)
        _backend.create_state_machine(record["name"], record["definition"], record["roleArn"], sm_type=record["type"])
        _born[arn] = str(record["creationDate"])
    machine = _backend.describe_state_machine(arn)
    if (machine.definition, machine.roleArn) != (record["definition"], record["roleArn"]):
        _backend.update_state_machine(arn, record["definition"], record["roleArn"])
    return machine


def _forget(arn: str) -> None:
    if _born.pop(arn, None):
        _backend.delete_state_machine(arn)


def _execution(arn: str) -> Any:
    return _backend.describe_execution(arn)


def _start(given: dict[str, Any]) -> dict[str, Any]:
    with _lock:
        _machine(given["stateMachineArn"])
        name = given.get("name") or str(uuid.uuid4())
        execution = _backend.start_execution(given["stateMachineArn"], name, given.get("input", "{}"))
    return {"executionArn": execution.execution_arn, "startDate": execution.start_date}


def _stop(given: dict[str, Any]) -> dict[str, Any]:
    execution = _execution(given["executionArn"])
    until = time.monotonic() + _FIRST_STATE_SECONDS
    while not _is_under_way(execution) and time.monotonic() < until:
        time.sleep(0.02)
    stopped = datetime.datetime.now(datetime.timezone.utc)
    if execution.exec_status.value == "RUNNING":
        execution.stop(stop_date=stopped, error=given.get("error"), cause=given.get("cause"))
        execution.error, execution.cause = given.get("error"), given.get("cause")
    _await_end(execution)
    _show_stopped(execution, stopped)
    return {"stopDate": execution.stop_date or stopped}


def _is_under_way(execution: Any) -> bool:
    worker = execution.exec_worker
    return worker is not None and worker.env is not None and worker.env.is_running()


def _await_end(execution: Any) -> None:
    until = time.monotonic() + _LAST_STATE_SECONDS
    while execution.exec_status.value == "RUNNING" and time.monotonic() < until:
        time.sleep(0.02)


def _show_stopped(execution: Any, stopped: datetime.datetime) -> None:
    """End a stopped execution for its callers; an invocation under way goes on by itself, and moto waits for it."""
    worker = execution.exec_worker
    if worker is not None and worker.env is not None and isinstance(worker.env.program_state(), ProgramStopped):
        execution.exec_status, execution.stop_date = ExecutionStatus.ABORTED, stopped


def _describe(given: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = _execution(given["executionArn"]).to_describe_output()
    return described


def _history(given: dict[str, Any]) -> dict[str, Any]:
    events = list(_execution(given["executionArn"]).to_history_output()["events"])
    if given.get("reverseOrder"):
        events.reverse()
    return _page(events, "events", given)


def _page(entries: list[Any], name: str, given: dict[str, Any]) -> dict[str, Any]:
    first = int(given.get("nextToken") or 0)
    last = first + (given.get("maxResults") or _PAGE)
    token = {"nextToken": str(last)} if last < len(entries) else {}
    return {name: entries[first:last], **token}


def _list(given: dict[str, Any]) -> dict[str, Any]:
    with _lock:
        executions = list(_machine(given["stateMachineArn"]).executions)
    wanted = given.get("statusFilter")
    items = [execution.to_execution_list_item() for execution in reversed(executions)]
    return _page([item for item in items if wanted in (None, _plain(item["status"]))], "executions", given)


def _describe_machine(given: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = _execution(given["executionArn"]).to_describe_state_machine_for_execution_output()
    return described


def _succeed(given: dict[str, Any]) -> dict[str, Any]:
    _backend.send_task_success(given["taskToken"], given["output"])
    return {}


def _fail(given: dict[str, Any]) -> dict[str, Any]:
    _backend.send_task_failure(given["taskToken"], given.get("error"), given.get("cause"))
    return {}


def _beat(given: dict[str, Any]) -> dict[str, Any]:
    _backend.send_task_heartbeat(given["taskToken"])
    return {}


_OPERATIONS = {
    "StartExecution": _start,
    "StopExecution": _stop,
    "DescribeExecution": _describe,
    "GetExecutionHistory": _history,
    "ListExecutions": _list,
    "DescribeStateMachineForExecution": _describe_machine,
    "SendTaskSuccess": _succeed,
    "SendTaskFailure": _fail,
    "SendTaskHeartbeat": _beat,
}


def _perform(action: str, given: dict[str, Any]) -> dict[str, Any]:
    try:
        performed: dict[str, Any] = _plain(_OPERATIONS[action](given))
        return performed
    except JsonRESTError as error:
        raise ServiceError(error.error_type, error.message) from error


async def _answer(request: Request) -> Answer:
    if request.action not in _OPERATIONS:
        return await request.passed_on()
    return answered(await off_the_loop(_perform, request.action, request.json()))


def install(settings: Settings) -> None:
    """Let moto run the executions of MiniStack's state machines."""
    interpreter.install(settings.wait_scale)
    put_in_front("states", _answer)
