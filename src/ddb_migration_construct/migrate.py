"""Migrate: the state machine, SetupCheck to Complete; every state may be entered again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from ddb_migration_construct._runtime import names
from ddb_migration_construct.bulk_load_job import BulkLoadJob
from ddb_migration_construct.glue_job import GlueJob
from ddb_migration_construct.migration_role import MigrationRole
from ddb_migration_construct.verify_job import VerifyJob

# Errors that say what to mend; repeating the call would only say it later.
FINAL_ERRORS = [
    "BulkLoadIncomplete",
    "CaptureFailing",
    "DestinationLocked",
    "ExportFailed",
    "ForeignMapping",
    "MigrationStopped",
    "NotAReport",
    "SetupCheckFailed",
    "StreamReplaced",
]
# Of a job's run, as its ErrorMessage names them: the same run again would say the same, minutes and dollars later.
FINAL_JOB_ERRORS = ["ExportDamaged", "ItemsRejected", "MigrationStopped"]
# The failure's own name, States.TaskFailed, is none that a state may fail with (Amazon States Language, "Errors").
BULK_LOAD_FAILED, VERIFY_FAILED = "BulkLoadFailed", "VerifyFailed"
# A lost worker or a throttled start may come several times in a load of days; each run goes on from checkpoints.
_RUNS_AFTER_FAILURES = 3
# Each entry of ReadyToCutOver costs six events of the 25,000 (Step Functions quotas): 14 days cost about 12,100.
LOOK_AGAIN = Duration.minutes(10)
# Glue API: MaxConcurrentRuns is 1, so a run of a stopped execution may still be in the way.
_RUN_IN_THE_WAY = ["Glue.ConcurrentRunsExceededException"]


class Migrate(Construct):
    """The state machine of one migration; its input is `{}`."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        setup_check: lambda_.IFunction,
        enable_trigger: lambda_.IFunction,
        cut_over: lambda_.IFunction,
        direct_job: BulkLoadJob,
        large_job: BulkLoadJob,
        verify_job: VerifyJob,
        log_group: logs.ILogGroup,
    ) -> None:
        """Create the state machine."""
        super().__init__(scope, id)
        self._enable_trigger = enable_trigger
        ready, cutting = self._cut_over(cut_over)
        drain = self._polled(names.DRAIN_STATE, enable_trigger, self._verify(verify_job, ready))
        trigger = self._polled(names.ENABLE_TRIGGER_STATE, enable_trigger, drain)
        barrier = self._polled(names.BARRIER_STATE, enable_trigger, trigger)
        choose = self._polled(
            names.CHOOSE_BULK_LOAD_STATE, enable_trigger, self._bulk_load(direct_job, large_job, barrier)
        )
        settle = self._polled(names.SETTLE_STATE, enable_trigger, choose)
        begun = sfn.Choice(self, "CutOverBegun").when(_is_true("$.cut_over"), cutting).otherwise(settle)
        capture = self._polled(names.START_CAPTURE_STATE, enable_trigger, begun)
        start = self._polled(names.SETUP_CHECK_STATE, setup_check, capture)
        self.state_machine = sfn.StateMachine(
            self,
            "StateMachine",
            role=MigrationRole(self, "StateMachineRole", service="states"),
            definition_body=sfn.DefinitionBody.from_chainable(start),
            tracing_enabled=True,
            logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=False),
        )

    def _verify(self, job: VerifyJob, following: sfn.IChainable) -> sfn.IChainable:
        """Return Verify: a pass of the job, repair, and again where repair asks for it."""
        needed = sfn.Choice(self, "PassNeeded").otherwise(_start_of(following))
        again = sfn.Choice(self, "PassAgain").otherwise(_start_of(following))
        verify = self._polled(names.VERIFY_STATE, self._enable_trigger, needed)
        repair = self._polled(names.REPAIR_STATE, self._enable_trigger, again)
        run = self._job(names.VERIFY_JOB_STATE, job, repair, VERIFY_FAILED, ("epoch", "pass_id"))
        needed.when(sfn.Condition.boolean_equals("$.needed", True), run)
        again.when(sfn.Condition.boolean_equals("$.verify_again", True), verify)
        return verify

    def _cut_over(self, function: lambda_.IFunction) -> tuple[sfn.State, sfn.State]:
        """Return ReadyToCutOver and CutOver; each leads to the other, until the migration has cut over."""
        completed = sfn.Succeed(self, "Completed", comment="the destination is the table; nothing of the epoch is left")
        complete = self._polled(names.COMPLETE_STATE, function, completed)
        ready = self._ready(function)
        has_cut_over = sfn.Choice(self, "HasCutOver")
        cutting = self._polled(names.CUT_OVER_STATE, function, has_cut_over)
        has_cut_over.when(_is_true("$.cut_over"), complete).otherwise(ready)
        turned_back = sfn.Choice(self, "HasTurnedBack")
        lift = self._polled(names.LIFT_FENCE_STATE, function, turned_back)
        turned_back.when(_is_true("$.turned_back"), ready).otherwise(cutting)
        # Whatever made CutOver fail, no source stays fenced for it.
        cutting.add_catch(lift, errors=[sfn.Errors.ALL], result_path="$.failed")
        ready.next(cutting)
        return ready, cutting

    def _ready(self, function: lambda_.IFunction) -> tasks.LambdaInvoke:
        """Return the state that waits for the operator, and looks again every ten minutes."""
        ready = tasks.LambdaInvoke(
            self,
            names.READY_TO_CUT_OVER_STATE,
            lambda_function=function,
            integration_pattern=sfn.IntegrationPattern.WAIT_FOR_TASK_TOKEN,
            payload=sfn.TaskInput.from_object(
                {
                    "state": names.READY_TO_CUT_OVER_STATE,
                    "execution": sfn.JsonPath.execution_id,
                    "token": sfn.JsonPath.task_token,
                }
            ),
            task_timeout=sfn.Timeout.duration(LOOK_AGAIN),
            retry_on_service_exceptions=False,
        )
        ready.add_retry(errors=[sfn.Errors.TIMEOUT, *FINAL_ERRORS], max_attempts=0)
        ready.add_retry(errors=[sfn.Errors.ALL], interval=Duration.seconds(5), max_attempts=4, backoff_rate=2)
        ready.add_catch(ready, errors=[sfn.Errors.TIMEOUT], result_path=sfn.JsonPath.DISCARD)
        return ready

    def _bulk_load(self, direct_job: BulkLoadJob, large_job: BulkLoadJob, barrier: sfn.IChainable) -> sfn.Choice:
        direct = self._job(names.DIRECT_MIGRATION_JOB_STATE, direct_job, barrier)
        large = self._job(names.LARGE_MIGRATION_JOB_STATE, large_job, barrier)
        export = self._polled(names.EXPORT_STATE, self._enable_trigger, large)
        return (
            sfn.Choice(self, "BulkLoad")
            .when(sfn.Condition.string_equals("$.bulk_load", names.DIRECT), direct)
            .when(sfn.Condition.string_equals("$.bulk_load", names.LARGE), export)
            .otherwise(_start_of(barrier))
        )

    def _polled(self, state: str, function: lambda_.IFunction, following: sfn.IChainable) -> tasks.LambdaInvoke:
        """Return a state that is called again, after the seconds it asks for, until it says that it is done."""
        task = tasks.LambdaInvoke(
            self,
            state,
            lambda_function=function,
            payload=sfn.TaskInput.from_object(
                {
                    "state": state,
                    "execution": sfn.JsonPath.execution_id,
                    "last": sfn.JsonPath.entire_payload,
                }
            ),
            output_path="$.Payload",
            retry_on_service_exceptions=False,
        )
        task.add_retry(errors=FINAL_ERRORS, max_attempts=0)
        # A role that was just made is not known everywhere at once.
        task.add_retry(errors=["RoleNotReady"], interval=Duration.seconds(10), max_attempts=9, backoff_rate=1.3)
        task.add_retry(errors=[sfn.Errors.ALL], interval=Duration.seconds(5), max_attempts=4, backoff_rate=2)
        wait = sfn.Wait(self, f"{state}Waits", time=sfn.WaitTime.seconds_path("$.wait_seconds"))
        done = sfn.Choice(self, f"{state}Done").when(_is_true("$.done"), _start_of(following))
        task.next(done.otherwise(wait.next(task)))
        return task

    def _job(
        self,
        state: str,
        job: GlueJob,
        following: sfn.IChainable,
        error: str = BULK_LOAD_FAILED,
        arguments: Sequence[str] = ("epoch",),
    ) -> sfn.State:
        """Return the start of a job's run: a failed one is followed by three more, unless its error is final.

        `arguments` are taken from the state's input by their names.
        """
        given = {name: sfn.JsonPath.string_at(f"$.{name}") for name in arguments}
        task = tasks.GlueStartJobRun(
            self,
            state,
            glue_job_name=job.job_name,
            integration_pattern=sfn.IntegrationPattern.RUN_JOB,
            arguments=sfn.TaskInput.from_object({f"--{name}": value for name, value in given.items()}),
            result_path=sfn.JsonPath.DISCARD,
        )
        task.add_retry(
            errors=_RUN_IN_THE_WAY,
            interval=Duration.seconds(60),
            max_attempts=2000,
            max_delay=Duration.minutes(10),
        )
        task.add_catch(
            self._failed(state, task, error, given), errors=[sfn.Errors.TASKS_FAILED], result_path="$.failure"
        )
        task.next(following)
        # Counted here and not by Retry, which looks at an error's name only: Glue has one for all failures.
        begins = sfn.Pass(self, f"{state}Begins", result=sfn.Result.from_number(0), result_path="$.failures")
        begins.next(task)
        return begins

    def _failed(self, state: str, task: sfn.State, error: str, given: Mapping[str, str]) -> sfn.Choice:
        """Return the choice between another run and the end; what a failed run has done is in its checkpoints."""
        condition = sfn.Condition
        is_final = [condition.string_matches("$.failure.Cause", f"*{error}: *") for error in FINAL_JOB_ERRORS]
        too_often = condition.number_greater_than_equals("$.failures", _RUNS_AFTER_FAILURES)
        stops = sfn.Fail(self, f"{state}Stops", error=error, cause_path="$.failure.Cause")
        counts = sfn.Pass(
            self,
            f"{state}Counts",
            parameters={
                **given,
                "failures": sfn.JsonPath.math_add(sfn.JsonPath.number_at("$.failures"), 1),
            },
        )
        waits = sfn.Wait(self, f"{state}Waits", time=sfn.WaitTime.duration(Duration.seconds(60)))
        choice = sfn.Choice(self, f"{state}Failed").when(condition.or_(*is_final, too_often), stops)
        return choice.otherwise(counts.next(waits).next(task))


def _is_true(path: str) -> sfn.Condition:
    return sfn.Condition.boolean_equals(path, True)


def _start_of(chainable: sfn.IChainable) -> sfn.State:
    return chainable.start_state
