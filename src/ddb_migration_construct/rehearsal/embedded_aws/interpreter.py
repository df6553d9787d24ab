"""moto's Step Functions interpreter, put right where it differs from AWS, calling this port.

Tasks run with a session of the state machine's role, so a permission that the role lacks is refused as on AWS.
"""

from __future__ import annotations

import datetime
import importlib
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.model import Shape
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.choice.comparison.comparison_operator_type import (
    ComparisonOperatorType,
)
from moto.stepfunctions.parser.asl.component.state.choice.comparison.comparison_variable import (
    ComparisonVariable,
)
from moto.stepfunctions.parser.asl.component.state.choice.comparison.variable import NoSuchVariable
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import (
    StateTaskService,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_glue import (
    StateTaskServiceGlue,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackOutcomeSuccess,
    CallbackOutcomeTimedOut,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

from .service_roles import clients_as

_SYNC_POLL_SECONDS = 0.3
_TOKEN_POLL_SECONDS = 0.2
_SESSION_NAME = "states"
_TASK_FACTORY = "moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_factory"
_models = botocore.session.get_session()


def as_text(value: Any) -> Any:
    """The value with every date in it as the text that Step Functions shows."""
    if isinstance(value, dict):
        return {key: as_text(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [as_text(entry) for entry in value]
    if isinstance(value, datetime.datetime):
        moment = value.astimezone(datetime.timezone.utc)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
    return value


def _client_for(region: str, service: str, state_credentials: Any = None) -> Any:
    del region
    role_arn = state_credentials.role_arn
    return clients_as(role_arn, "states.amazonaws.com", _SESSION_NAME)[service]


def _call_this_port_as_the_role() -> None:
    # The factory of tasks imports every module that makes clients.
    importlib.import_module(_TASK_FACTORY)
    for name, module in list(sys.modules.items()):
        if name.startswith("moto.stepfunctions.parser") and hasattr(module, "boto_client_for"):
            vars(module)["boto_client_for"] = _client_for


def _shape(task: Any, which: str, service: str | None, action: str | None) -> Shape | None:
    model = _models.get_service_model(task._get_boto_service_name(service))
    wanted = task._get_boto_service_action(action)
    for operation in model.operation_names:
        if xform_name(operation) == wanted:
            shape: Shape | None = getattr(model.operation_model(operation), which)
            return shape
    return None


def _normalise_parameters(
    task: Any, parameters: Any, boto_service_name: str | None = None, service_action_name: str | None = None
) -> None:
    shape = _shape(task, "input_shape", boto_service_name, service_action_name)
    if shape is not None:
        task._to_boto_request(parameters, shape)


def _normalise_response(
    task: Any, response: Any, boto_service_name: str | None = None, service_action_name: str | None = None
) -> None:
    if not isinstance(response, dict):
        return
    shape = _shape(task, "output_shape", boto_service_name, service_action_name)
    if shape is not None:
        task._from_boto_response(response, shape)
    response.update(as_text(response))


def _stop_the_run(task: Any, resource: Any, started: dict[str, Any], credentials: Any) -> None:
    glue = task._get_glue_client(resource_runtime_part=resource, state_credentials=credentials)
    try:
        glue.batch_stop_job_run(JobName=started["JobName"], JobRunIds=[started["JobRunId"]])
    except ClientError as error:
        # Step Functions stops what it waits for at best; the execution has ended either way.
        print(f"{started['JobName']} goes on: {error}", file=sys.stderr)


def _await_job_run(
    task: Any,
    env: Any,
    resource_runtime_part: Any,
    normalised_parameters: dict[str, Any],
    state_credentials: Any,
) -> None:
    started = dict(env.stack[-1])
    resolver: Callable[[], Any] = task._build_sync_resolver(
        env, resource_runtime_part, normalised_parameters, state_credentials
    )
    ended = None
    while env.is_running() and ended is None:
        ended = resolver()
        if ended is None:
            time.sleep(_SYNC_POLL_SECONDS)
    if ended is None:
        _stop_the_run(task, resource_runtime_part, started, state_credentials)
    env.stack.append(as_text(ended or started))


def _await_token(task: Any, env: Any, timeout_seconds: int, callback_endpoint: Any, heartbeat_endpoint: Any) -> Any:
    """Wait for a token's answer, and see meanwhile that the execution was stopped; moto waits for the time-out."""
    if heartbeat_endpoint is not None:
        return task._wait_for_task_token_heartbeat(env, callback_endpoint, heartbeat_endpoint)
    until = time.monotonic() + timeout_seconds
    outcome = None
    while outcome is None and env.is_running() and time.monotonic() < until:
        outcome = callback_endpoint.wait(timeout=_TOKEN_POLL_SECONDS)
    if outcome is None and not env.is_running():
        # The execution has ended already; what the task answers is not looked at any more.
        return CallbackOutcomeSuccess(callback_endpoint.callback_id, "{}")
    return outcome or CallbackOutcomeTimedOut(callback_endpoint.callback_id)


def _scaled_wait(scale: float) -> Callable[[Any, Any, float], None]:
    def wait_interval(_self: Any, env: Any, wait_seconds: float) -> None:
        until = time.monotonic() + wait_seconds * scale
        while env.is_running() and (left := until - time.monotonic()) > 0:
            env.program_state_event.wait(left)

    return wait_interval


class _ScaledTime:
    """Stands for the module ``time`` where moto waits between retries."""

    def __init__(self, scale: float) -> None:
        self._scale = scale

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds * self._scale)


def _show_start_time_as_text() -> None:
    original = ExecutionWorker._get_evaluation_environment

    def environment(worker: Any) -> Any:
        env = original(worker)
        execution = env.states.context_object.context_object_data["Execution"]
        execution["StartTime"] = as_text(execution["StartTime"])
        return env

    ExecutionWorker._get_evaluation_environment = environment


def _keep_what_was_stopped() -> None:
    """A stopped execution stays so, whatever comes of the task that it had under way; with moto it fails with it."""
    original = Environment.set_error

    def set_error(env: Any, error: Any) -> None:
        if not isinstance(env.program_state(), ProgramStopped):
            original(env, error)

    Environment.set_error = set_error


def _fail_a_choice_on_a_missing_path() -> None:
    """Step Functions fails with States.Runtime unless the rule is IsPresent; moto takes the default."""
    original = ComparisonVariable._eval_body

    def eval_body(rule: Any, env: Any) -> None:
        rule.variable.eval(env)
        if isinstance(env.stack[-1], NoSuchVariable) and not _asks_for_presence(rule):
            raise RuntimeError(
                f"Invalid path '{env.stack[-1].path}': The choice state's condition path references an invalid value."
            )
        env.stack.pop()
        original(rule, env)

    ComparisonVariable._eval_body = eval_body


def _asks_for_presence(rule: Any) -> bool:
    return rule.comparison_function.operator_type is ComparisonOperatorType.IsPresent


def install(wait_scale: float) -> None:
    """Correct moto's interpreter; ``wait_scale`` multiplies the seconds of waits and retries."""
    _call_this_port_as_the_role()
    StateTaskService._normalise_parameters = _normalise_parameters
    StateTaskService._normalise_response = _normalise_response
    StateTaskServiceGlue._eval_integration_pattern = _await_job_run
    StateTaskServiceCallback._eval_wait_for_task_token = _await_token
    WaitFunction._wait_interval = _scaled_wait(wait_scale)
    retrier_decl.time = _ScaledTime(wait_scale)
    _show_start_time_as_text()
    _keep_what_was_stopped()
    _fail_a_choice_on_a_missing_path()
    threading.excepthook = _report_thread


def _report_thread(failed: threading.ExceptHookArgs) -> None:
    print(f"{failed.thread}: {failed.exc_value!r}", file=sys.stderr)
