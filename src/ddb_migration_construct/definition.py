"""The states of Migrate, SetupCheck to Complete, in Amazon States Language; every state may be entered again.

Written as data: the states of the CDK would be some 470 calls into its runtime for each migration.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ddb_migration_construct._runtime import names

# Errors that say what to mend; repeating the call would only say it later.
FINAL_ERRORS = [
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
]
# By which RollbackWindow, whose token only the operator answers, says how it goes on.
WINDOW_OVER, ROLL_BACK_BEGUN = "WindowOver", "RollBackBegun"
# Of a job's run, as its ErrorMessage names them: the same run again would say the same, minutes and dollars later.
FINAL_JOB_ERRORS = ["ExportDamaged", "ItemsRejected", "MigrationStopped"]
# The failure's own name, States.TaskFailed, is none that a state may fail with (Amazon States Language, "Errors").
BULK_LOAD_FAILED, VERIFY_FAILED = "BulkLoadFailed", "VerifyFailed"
# A lost worker or a throttled start may come several times in a load of days; each run goes on from checkpoints.
_RUNS_AFTER_FAILURES = 3
# Each entry of ReadyToCutOver costs six events of the 25,000 (Step Functions quotas): 14 days cost about 12,100.
LOOK_AGAIN_SECONDS = 600
# Glue API: MaxConcurrentRuns is 1, so a run of a stopped execution may still be in the way.
_RUN_IN_THE_WAY = "Glue.ConcurrentRunsExceededException"
_ALL, _TASK_FAILED, _TIMEOUT = "States.ALL", "States.TaskFailed", "States.Timeout"
_NO_RETRY: dict[str, Any] = {"ErrorEquals": FINAL_ERRORS, "MaxAttempts": 0}
# A role that was just made is not known everywhere at once.
_NEW_ROLE = {"ErrorEquals": ["RoleNotReady"], "IntervalSeconds": 10, "MaxAttempts": 9, "BackoffRate": 1.3}
_ANYTHING = {"ErrorEquals": [_ALL], "IntervalSeconds": 5, "MaxAttempts": 4, "BackoffRate": 2}

State = dict[str, Any]


@dataclass(frozen=True)
class Called:
    """What the states call: ARNs of the functions, names of the jobs; `partition` is that of AWS.

    Only where `can_roll_back` there are the states of a way back.
    """

    partition: str
    setup_check: str
    enable_trigger: str
    cut_over: str
    direct_job: str
    large_job: str
    verify_job: str
    can_roll_back: bool = False


def definition(called: Called) -> str:
    """Return the state machine's definition as JSON; what the values hold of tokens needs no escaping in it."""
    states = States(called)
    return json.dumps({"StartAt": names.SETUP_CHECK_STATE, "States": states.all()}, separators=(",", ":"))


class States:
    """Collects the states in the order of the path."""

    def __init__(self, called: Called) -> None:
        """Prepare states that call these functions and jobs."""
        self._called = called
        self._states: dict[str, State] = {}

    def all(self) -> dict[str, State]:
        """Return every state by its name."""
        self._begin()
        self._bulk_load()
        self._apply()
        self._verify()
        self._cut_over()
        if self._called.can_roll_back:
            self._roll_back()
        return self._states

    def _begin(self) -> None:
        trigger = self._called.enable_trigger
        self._polled(names.SETUP_CHECK_STATE, self._called.setup_check, names.START_CAPTURE_STATE)
        self._polled(names.START_CAPTURE_STATE, trigger, "CutOverBegun")
        self._choice("CutOverBegun", "$.cut_over", names.CUT_OVER_STATE, names.SETTLE_STATE)
        self._polled(names.SETTLE_STATE, trigger, names.CHOOSE_BULK_LOAD_STATE)
        self._polled(names.CHOOSE_BULK_LOAD_STATE, trigger, "BulkLoad")

    def _bulk_load(self) -> None:
        begins = f"{names.DIRECT_MIGRATION_JOB_STATE}Begins"
        self._states["BulkLoad"] = {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.bulk_load", "StringEquals": names.DIRECT, "Next": begins},
                {"Variable": "$.bulk_load", "StringEquals": names.LARGE, "Next": names.EXPORT_STATE},
            ],
            "Default": names.BARRIER_STATE,
        }
        self._job(names.DIRECT_MIGRATION_JOB_STATE, self._called.direct_job, names.BARRIER_STATE)
        begins = f"{names.LARGE_MIGRATION_JOB_STATE}Begins"
        self._polled(names.EXPORT_STATE, self._called.enable_trigger, begins)
        self._job(names.LARGE_MIGRATION_JOB_STATE, self._called.large_job, names.BARRIER_STATE)

    def _apply(self) -> None:
        trigger = self._called.enable_trigger
        self._polled(names.BARRIER_STATE, trigger, names.ENABLE_TRIGGER_STATE)
        self._polled(names.ENABLE_TRIGGER_STATE, trigger, names.DRAIN_STATE)
        self._polled(names.DRAIN_STATE, trigger, names.VERIFY_STATE)

    def _verify(self) -> None:
        """Verify: a pass of the job, repair, and again where repair asks for it."""
        trigger, job = self._called.enable_trigger, names.VERIFY_JOB_STATE
        following = self._with_way_back(names.START_REVERSE_CAPTURE_STATE, names.READY_TO_CUT_OVER_STATE)
        self._polled(names.VERIFY_STATE, trigger, "PassNeeded")
        self._choice("PassNeeded", "$.needed", f"{job}Begins", following)
        self._job(job, self._called.verify_job, names.REPAIR_STATE, VERIFY_FAILED, ("epoch", "pass_id"))
        self._polled(names.REPAIR_STATE, trigger, "PassAgain")
        self._choice("PassAgain", "$.verify_again", names.VERIFY_STATE, following)

    def _cut_over(self) -> None:
        """ReadyToCutOver and CutOver; each leads to the other, until the migration has cut over."""
        function, ready = self._called.cut_over, names.READY_TO_CUT_OVER_STATE
        self._states[ready] = self._waiting(ready, names.CUT_OVER_STATE)
        self._polled(names.CUT_OVER_STATE, function, "HasCutOver")
        # Whatever made CutOver fail, no source stays fenced for it.
        lift = {"ErrorEquals": [_ALL], "ResultPath": "$.failed", "Next": names.LIFT_FENCE_STATE}
        self._states[names.CUT_OVER_STATE]["Catch"] = [lift]
        behind = self._with_way_back(names.ROLLBACK_WINDOW_STATE, names.COMPLETE_STATE)
        self._choice("HasCutOver", "$.cut_over", behind, ready)
        self._polled(names.LIFT_FENCE_STATE, function, "HasTurnedBack")
        self._choice("HasTurnedBack", "$.turned_back", ready, names.CUT_OVER_STATE)
        self._polled(names.COMPLETE_STATE, function, "Completed")
        comment = "the destination is the table; nothing of the epoch is left"
        self._states["Completed"] = {"Type": "Succeed", "Comment": comment}

    def _with_way_back(self, state: str, otherwise: str) -> str:
        return state if self._called.can_roll_back else otherwise

    def _roll_back(self) -> None:
        """RollbackWindow leads to RollBack on the operator's word, and to Complete when it is over."""
        function, window = self._called.cut_over, names.ROLLBACK_WINDOW_STATE
        rolling, lift = names.ROLL_BACK_STATE, names.LIFT_DESTINATION_FENCE_STATE
        self._polled(names.START_REVERSE_CAPTURE_STATE, self._called.enable_trigger, names.READY_TO_CUT_OVER_STATE)
        ends = {WINDOW_OVER: names.COMPLETE_STATE, ROLL_BACK_BEGUN: rolling}
        self._states[window] = self._waiting(window, rolling, ends)
        self._polled(rolling, function, "HasRolledBack")
        self._choice("HasRolledBack", "$.cut_over", names.COMPLETE_STATE, window)
        # Whatever made RollBack fail, no destination stays fenced for it.
        self._states[rolling]["Catch"] = [{"ErrorEquals": [_ALL], "ResultPath": "$.failed", "Next": lift}]
        self._polled(lift, function, "HasStayed")
        self._choice("HasStayed", "$.turned_back", window, rolling)

    def _waiting(self, state: str, following: str, ends: Mapping[str, str] | None = None) -> State:
        """Return a state that waits for the operator, and looks again every ten minutes.

        `ends` are the errors by which it goes on elsewhere.
        """
        ends = ends or {}
        elsewhere = [{"ErrorEquals": [error], "ResultPath": None, "Next": next} for error, next in ends.items()]
        payload = {"state": state, "execution.$": "$$.Execution.Id", "token.$": "$$.Task.Token"}
        return {
            "Type": "Task",
            "Resource": self._service("lambda:invoke.waitForTaskToken"),
            "Parameters": {"FunctionName": self._called.cut_over, "Payload": payload},
            "TimeoutSeconds": LOOK_AGAIN_SECONDS,
            "Retry": [{"ErrorEquals": [_TIMEOUT, *FINAL_ERRORS, *ends], "MaxAttempts": 0}, _ANYTHING],
            "Catch": [{"ErrorEquals": [_TIMEOUT], "ResultPath": None, "Next": state}, *elsewhere],
            "Next": following,
        }

    def _polled(self, state: str, function: str, following: str) -> None:
        """Add a state that is called again, after the seconds it asks for, until it says that it is done."""
        payload = {"state": state, "execution.$": "$$.Execution.Id", "last.$": "$"}
        self._states[state] = {
            "Type": "Task",
            "Resource": self._service("lambda:invoke"),
            "Parameters": {"FunctionName": function, "Payload": payload},
            "OutputPath": "$.Payload",
            "Retry": [_NO_RETRY, _NEW_ROLE, _ANYTHING],
            "Next": f"{state}Done",
        }
        self._choice(f"{state}Done", "$.done", following, f"{state}Waits")
        self._states[f"{state}Waits"] = {"Type": "Wait", "SecondsPath": "$.wait_seconds", "Next": state}

    def _choice(self, state: str, path: str, following: str, otherwise: str) -> None:
        is_true = {"Variable": path, "BooleanEquals": True, "Next": following}
        self._states[state] = {"Type": "Choice", "Choices": [is_true], "Default": otherwise}

    def _job(
        self,
        state: str,
        job: str,
        following: str,
        error: str = BULK_LOAD_FAILED,
        arguments: Sequence[str] = ("epoch",),
    ) -> None:
        """Add the run of a job: a failed one is followed by three more, unless its error is final.

        `arguments` are taken from the state's input by their names.
        """
        # Counted here and not by Retry, which looks at an error's name only: Glue has one for all failures.
        begins = {"Type": "Pass", "Result": 0, "ResultPath": "$.failures", "Next": state}
        self._states[f"{state}Begins"] = begins
        given = {f"--{name}.$": f"$.{name}" for name in arguments}
        in_the_way = {"ErrorEquals": [_RUN_IN_THE_WAY], "IntervalSeconds": 60, "MaxAttempts": 2000}
        self._states[state] = {
            "Type": "Task",
            "Resource": self._service("glue:startJobRun.sync"),
            "Parameters": {"JobName": job, "Arguments": given},
            "ResultPath": None,
            "Retry": [{**in_the_way, "MaxDelaySeconds": 600}],
            "Catch": [{"ErrorEquals": [_TASK_FAILED], "ResultPath": "$.failure", "Next": f"{state}Failed"}],
            "Next": following,
        }
        self._failed(state, error, arguments)

    def _failed(self, state: str, error: str, arguments: Sequence[str]) -> None:
        """Add the choice between another run and the end; what a failed run has done is in its checkpoints."""
        cause = "$.failure.Cause"
        is_final = [{"Variable": cause, "StringMatches": f"*{error}: *"} for error in FINAL_JOB_ERRORS]
        too_often = {"Variable": "$.failures", "NumericGreaterThanEquals": _RUNS_AFTER_FAILURES}
        stops = {"Or": [*is_final, too_often], "Next": f"{state}Stops"}
        self._states[f"{state}Failed"] = {"Type": "Choice", "Choices": [stops], "Default": f"{state}Counts"}
        kept = {f"{name}.$": f"$.{name}" for name in arguments}
        counted = {**kept, "failures.$": "States.MathAdd($.failures, 1)"}
        self._states[f"{state}Counts"] = {"Type": "Pass", "Parameters": counted, "Next": f"{state}Waits"}
        self._states[f"{state}Waits"] = {"Type": "Wait", "Seconds": 60, "Next": state}
        self._states[f"{state}Stops"] = {"Type": "Fail", "Error": error, "CausePath": cause}

    def _service(self, action: str) -> str:
        return f"arn:{self._called.partition}:states:::{action}"
