"""The simulated Step Functions: executions of the Migrate state machine, with its retries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from ddb_migration import names
from tests.simulation.failures import refused
from tests.simulation.functions import Failure, Function
from tests.simulation.glue import LIVE, Glue
from tests.simulation.kernel import Kernel, Task
from tests.simulation.services import Calls

# ddb_migration_construct.definition; test_fidelity.py compares both.
FINAL_ERRORS = (
    "BulkLoadIncomplete",
    "CaptureFailing",
    "DestinationLocked",
    "ExportFailed",
    "FailedBehindSwitch",
    "ForeignMapping",
    "MigrationStopped",
    "NotAReport",
    "SetupCheckFailed",
    "StreamReplaced",
)
FINAL_JOB_ERRORS = ("ExportDamaged", "ItemsRejected", "MigrationStopped")
STATES_FIRST = (names.SETUP_CHECK_STATE, names.START_CAPTURE_STATE)
STATES_BEFORE = (names.SETTLE_STATE, names.CHOOSE_BULK_LOAD_STATE)
STATES_BEHIND = (names.BARRIER_STATE, names.ENABLE_TRIGGER_STATE, names.DRAIN_STATE)
JOB_LOOK_SECONDS = 5.0
# By which RollbackWindow says how it goes on.
WINDOW_OVER, ROLL_BACK_BEGUN = "WindowOver", "RollBackBegun"
# ddb_migration_construct.migrate.LOOK_AGAIN.
LOOK_AGAIN_SECONDS = 600.0


class Execution:
    """One execution: a task that calls the states one after the other."""

    longest_stall = 0.0

    def __init__(self, machine: StateMachine, number: int) -> None:
        self.began = self.ended_at = machine.kernel.now
        self.arn = f"arn:aws:states:eu-west-1:111111111111:execution:migrate:{number}"
        self.status = "RUNNING"
        self.failure: Failure | None = None
        self.state = ""
        self.tasks: list[Task] = []
        self._machine = machine
        self._kernel = machine.kernel
        self._task = self._kernel.spawn(self._path, None, self._ended)

    def _path(self) -> None:
        answer: Mapping[str, Any] = {}
        for state in STATES_FIRST:
            answer = self._polled(state, answer)
        if answer.get("cut_over"):
            self._cut_over(answer)
            return
        self._in_step(answer)
        if self._machine.goes_on:
            self._verify()
            if self._machine.can_roll_back:
                self._polled(names.START_REVERSE_CAPTURE_STATE, {})
            self._cut_over(self._ready())

    def _in_step(self, answer: Mapping[str, Any]) -> None:
        """Go on until the destination is in step."""
        for state in STATES_BEFORE:
            answer = self._polled(state, answer)
        if answer["bulk_load"] == names.DIRECT:
            self._job(names.DIRECT_MIGRATION_JOB_STATE, str(answer["epoch"]))
        elif answer["bulk_load"] == names.LARGE:
            answer = self._polled(names.EXPORT_STATE, answer)
            self._job(names.LARGE_MIGRATION_JOB_STATE, str(answer["epoch"]))
        for state in STATES_BEHIND:
            answer = self._polled(state, answer)

    def _verify(self) -> None:
        """Verify, a pass of the job, and repair, as often as repair asks for another pass."""
        answer = self._polled(names.VERIFY_STATE, {})
        while answer["needed"]:
            self._job(names.VERIFY_JOB_STATE, str(answer["epoch"]), str(answer["pass_id"]))
            if not self._polled(names.REPAIR_STATE, {})["verify_again"]:
                return
            answer = self._polled(names.VERIFY_STATE, {})

    def _cut_over(self, order: Mapping[str, Any]) -> None:
        """Cut over, as often as it is turned back and ordered again, then wait for the end."""
        answer = self._switched(names.CUT_OVER_STATE, names.LIFT_FENCE_STATE, order, self._ready)
        if self._machine.can_roll_back:
            answer = self._rolled_back(answer)
        self._polled(names.COMPLETE_STATE, answer)

    def _rolled_back(self, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """Wait in the window, and roll back if that is ordered in it; the answer is what Complete is entered with."""

        def window() -> Mapping[str, Any]:
            try:
                return self._waited(names.ROLLBACK_WINDOW_STATE)
            except Failure as failure:
                if failure.name != ROLL_BACK_BEGUN:
                    raise
                return answer

        try:
            return self._switched(names.ROLL_BACK_STATE, names.LIFT_DESTINATION_FENCE_STATE, window(), window)
        except Failure as failure:
            if failure.name != WINDOW_OVER:
                raise
            return answer

    def _switched(
        self, state: str, lifting: str, order: Mapping[str, Any], ordered: Callable[[], Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        """Switch the application, as often as that is turned back and ordered again."""
        while True:
            try:
                answer = self._polled(state, order)
            except Failure as failure:
                failed = {"failed": {"Error": failure.name, "Cause": failure.text}}
                answer = self._polled(lifting, {**order, **failed})
                order = ordered() if answer["turned_back"] else answer
                continue
            if answer["cut_over"]:
                return answer
            order = ordered()

    def _ready(self) -> Mapping[str, Any]:
        return self._waited(names.READY_TO_CUT_OVER_STATE)

    def _waited(self, state: str) -> Mapping[str, Any]:
        """Wait for the operator's answer to a task token; a token is good for ten minutes."""
        self._enter(state)
        function = self._machine.functions[state]
        while True:
            self._machine.tokens += 1
            token = f"token-{self._machine.tokens}"
            self._machine.answers[token] = None
            until = self._kernel.now + LOOK_AGAIN_SECONDS
            event = {"state": state, "execution": self.arn, "token": token}
            self._retried(partial(self._invoke, function, event))
            order = self._answered(token, until)
            if order is not None:
                return order

    def _answered(self, token: str, until: float) -> Mapping[str, Any] | None:
        answers = self._machine.answers
        self._kernel.wait(lambda: answers[token] is not None, max(0.0, until - self._kernel.now), 5.0)
        return answers.pop(token)

    def _polled(self, state: str, last: Mapping[str, Any]) -> Mapping[str, Any]:
        """Call a state until it says that it is done."""
        self._enter(state)
        function = self._machine.functions[state]
        while True:
            event = {"state": state, "execution": self.arn, "last": dict(last)}
            last = self._retried(partial(self._invoke, function, event))
            if last["done"]:
                return last
            self._kernel.sleep(last["wait_seconds"])

    def _enter(self, state: str) -> None:
        self.state = state
        self._machine.entered(self, state)

    def _invoke(self, function: Function, event: Any) -> Any:
        def begin(answer: Callable[[Any], None]) -> None:
            function.invoke(event, lambda result, failure: answer((result, failure)))

        result, failure = self._kernel.answer_of(begin)
        if failure is not None:
            raise failure
        return result

    def _retried(self, call: Callable[[], Any]) -> Any:
        waits = {"RoleNotReady": [10 * 1.3**n for n in range(9)], "": [5.0 * 2**n for n in range(4)]}
        while True:
            try:
                return call()
            except Failure as failure:
                left = waits["RoleNotReady" if failure.name == "RoleNotReady" else ""]
                if failure.name in (*FINAL_ERRORS, WINDOW_OVER, ROLL_BACK_BEGUN) or not left:
                    raise
                self._kernel.sleep(left.pop(0))

    def _job(self, state: str, epoch: str, pass_id: str = "") -> None:
        """Run a Glue job to its end; a failed run is followed by three more, unless its error is final."""
        self._enter(state)
        for wait in (60.0, 60.0, 60.0, None):
            run = self._started(state, {"epoch": epoch, "pass_id": pass_id})
            while run.state in LIVE:
                self._kernel.sleep(JOB_LOOK_SECONDS if self._kernel.now - run.started < 300 else 60.0)
            if run.state == "SUCCEEDED" or self._machine.ignores_failed_runs:
                return
            if wait is None or any(f"{error}: " in str(run.error) for error in FINAL_JOB_ERRORS):
                raise Failure("BulkLoadFailed", f"{run.state}: {run.error}")
            self._kernel.sleep(wait)

    def _started(self, state: str, arguments: dict[str, str]) -> Any:
        wait = 60.0
        while True:
            try:
                run = self._machine.glue.start(state, arguments)
            except ClientError:
                self._kernel.sleep(wait)
                wait = min(600.0, wait * 2)
            else:
                self._run = run
                return run

    def stop(self, draws: Any) -> dict[str, Any]:
        """Stop the execution; Step Functions asks Glue to stop its run as best it can."""
        if self.status == "RUNNING":
            self.status = "ABORTED"
            self.ended_at = self._kernel.now
            self._kernel.kill(self._task)
            run = getattr(self, "_run", None)
            if run is not None and draws.random() < 0.5:
                run.stop()
            self._machine.ended(self)
        return {}

    def _ended(self, task: Task) -> None:
        if self.status != "RUNNING":
            return
        self.status = "FAILED" if task.error else "SUCCEEDED"
        self.ended_at = self._kernel.now
        if isinstance(task.error, Failure):
            self.failure = task.error
        elif task.error is not None:
            raise task.error
        self._machine.ended(self)


class StateMachine:
    """The state machine; `entered` and `ended` tell of executions."""

    def __init__(self, kernel: Kernel, glue: Glue, functions: Mapping[str, Function]) -> None:
        self.kernel = kernel
        self.glue = glue
        self.functions = functions
        self.executions: dict[str, Execution] = {}
        self.ignores_failed_runs = False
        self.goes_on = False
        self.can_roll_back = False
        self.tokens = 0
        self.answers: dict[str, Mapping[str, Any] | None] = {}
        self.entered: Callable[[Execution, str], None] = lambda execution, state: None
        self.ended: Callable[[Execution], None] = lambda execution: None

    def start(self) -> Execution:
        execution = Execution(self, len(self.executions) + 1)
        self.executions[execution.arn] = execution
        return execution

    def answer(self, token: str, order: Mapping[str, Any]) -> bool:
        """Answer a task token, as SendTaskSuccess does; False where it is no longer good."""
        is_good = token in self.answers and self.answers[token] is None
        if is_good:
            self.answers[token] = order
        return is_good


class StepFunctionsClient:
    """The client `stepfunctions`."""

    def __init__(self, machine: StateMachine, calls: Calls) -> None:
        self._machine = machine
        self._calls = calls

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803
        return self._calls.make("DescribeExecution", lambda: {"status": self._find(executionArn).status})

    def stop_execution(self, executionArn: str, error: str, cause: str) -> dict[str, Any]:  # noqa: N803
        draws = self._calls.faults.draws("stop-execution")
        return self._calls.make("StopExecution", lambda: self._find(executionArn).stop(draws))

    def _find(self, arn: str) -> Execution:
        if arn not in self._machine.executions:
            raise refused("ExecutionDoesNotExist", arn, "DescribeExecution")
        return self._machine.executions[arn]
