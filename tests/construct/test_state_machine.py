"""The state machine as Step Functions will read it: the states, their order, and what is tried again."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ddb_migration import names
from ddb_migration_construct.definition import FINAL_ERRORS, FINAL_JOB_ERRORS
from tests.construct.stacks import default_template, plain, properties

LAMBDA = Path(__file__).resolve().parents[2] / "assets" / "lambda"
POLLED = [
    *("SetupCheck", "StartCapture", "Settle", "ChooseBulkLoad", "Export"),
    *("Barrier", "EnableTrigger", "Drain", "Verify", "Repair", "CutOver", "LiftFence", "Complete"),
]
JOBS = ["DirectMigrationJob", "LargeMigrationJob", "VerifyJob"]
JOBS_LEAD_TO: list[tuple[str, str, dict[str, str]]] = [
    ("DirectMigrationJob", "Barrier", {}),
    ("LargeMigrationJob", "Barrier", {}),
    ("VerifyJob", "Repair", {"--pass_id.$": "$.pass_id"}),
]
READY = "ReadyToCutOver"
# Only with rollback_window: tests/construct/test_roll_back.py.
OF_ROLL_BACK = {"StartReverseCapture", "RollbackWindow", "RollBack", "LiftDestinationFence"}
CUTTING = ("CutOver", "LiftFence", "Complete")
STATE_HANDLERS = [LAMBDA / folder / "handler.py" for folder in ("setup_check", "enable_trigger", "cut_over")]
# Raised by the code behind the states, and yet not final: what becomes of each instead.
NOT_FINAL = {
    "RoleNotReady": "has a retry of its own: a new role is not known everywhere at once",
    "ConditionFailed": "caught where it is raised, and told as MigrationStopped",
    "NotRead": "the next call may read what this one could not",
    "NotAnAttributeValue": "DynamoDB gives none; a call that found one is made again",
    "NotASample": "of VerifyJob, in a module that the states use too",
    "NotDynamoDbJson": "of the bulk load, in a module that the states use too",
    "CanaryLost": "caught where the canary is sent: a try that says nothing",
    "Doubt": "caught by CutOver, which turns back",
    "NotAnOrder": "caught by CutOver, which waits for another order",
    "RollBackBegun": "how RollbackWindow goes on to RollBack",
    "WindowOver": "how RollbackWindow goes on to Complete",
    "NotAnnounced": "tried again: EventBridge did not take the word to switch",
    "PolicyTooLarge": "caught by CutOver, which turns back, and by SetupCheck, which tells it",
    "TableGone": "caught by CutOver, which turns back, and by all who ask for a fence that is to stay",
    "OutOfTime": "of WriteCdc, in a module that the states use too",
    "UnknownMessage": "of WriteCdc, in a module that the states use too",
}


@pytest.fixture(scope="module")
def definition() -> dict[str, Any]:
    text = plain(properties(default_template(), "AWS::StepFunctions::StateMachine")["DefinitionString"])
    parsed: dict[str, Any] = json.loads(text)
    return parsed


@pytest.fixture(scope="module")
def states(definition: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = definition["States"]
    return found


def path(definition: dict[str, Any], bulk_load: str, needed: bool = True) -> list[str]:
    """The states that work, in their order, when every state is done at its first call."""
    name, visited = definition["StartAt"], []
    while True:
        state = definition["States"][name]
        if state["Type"] == "Task":
            visited.append(name)
        if state["Type"] == "Succeed":
            return [*visited, name]
        given = {"done": True, "bulk_load": bulk_load, "needed": needed, "verify_again": False}
        given["cut_over"] = visited[-1:] == ["CutOver"]
        name = state["Next"] if state["Type"] != "Choice" else choice(state, given)


def choice(state: dict[str, Any], given: dict[str, Any]) -> str:
    for rule in state["Choices"]:
        value = given[rule["Variable"].removeprefix("$.")]
        if value == rule.get("BooleanEquals", rule.get("StringEquals")):
            return str(rule["Next"])
    return str(state["Default"])


@pytest.mark.parametrize(
    ("bulk_load", "loading"),
    [
        (names.DIRECT, ["DirectMigrationJob"]),
        (names.LARGE, ["Export", "LargeMigrationJob"]),
        ("none", []),
    ],
)
def test_order(definition: dict[str, Any], bulk_load: str, loading: list[str]) -> None:
    assert path(definition, bulk_load) == [
        *("SetupCheck", "StartCapture", "Settle", "ChooseBulkLoad"),
        *loading,
        *("Barrier", "EnableTrigger", "Drain", "Verify", "VerifyJob", "Repair"),
        *(READY, "CutOver", "Complete", "Completed"),
    ]


def test_an_epoch_that_is_verified_is_not_verified_again(definition: dict[str, Any]) -> None:
    assert path(definition, "none", needed=False)[-5:] == ["Verify", READY, "CutOver", "Complete", "Completed"]


def test_repair_may_ask_for_another_pass(states: dict[str, Any]) -> None:
    assert choice(states[states["RepairDone"]["Choices"][0]["Next"]], {"verify_again": True}) == "Verify"


def test_there_is_no_other_work(states: dict[str, Any]) -> None:
    assert {name for name, state in states.items() if state["Type"] == "Task"} == {*POLLED, *JOBS, READY}


def test_every_state_name_of_the_runtime_is_a_state(states: dict[str, Any]) -> None:
    named = {value for name, value in vars(names).items() if name.endswith("_STATE")}
    assert named == {*POLLED, *JOBS, READY, *OF_ROLL_BACK}
    assert named - OF_ROLL_BACK <= set(states)


@pytest.mark.parametrize("name", POLLED)
def test_a_state_is_called_again_until_it_is_done(states: dict[str, Any], name: str) -> None:
    done = states[states[name]["Next"]]
    assert [rule["Variable"] for rule in done["Choices"]] == ["$.done"]
    assert done["Choices"][0]["BooleanEquals"] is True
    assert states[done["Default"]] == {"Type": "Wait", "SecondsPath": "$.wait_seconds", "Next": name}


@pytest.mark.parametrize("name", POLLED)
def test_a_state_calls_its_function(states: dict[str, Any], name: str) -> None:
    function = {"SetupCheck": "SetupCheck", **dict.fromkeys(CUTTING, "CutOver")}.get(name, "EnableTrigger")
    task = states[name]
    assert task["Resource"] == "arn:<AWS::Partition>:states:::lambda:invoke"
    assert task["Parameters"] == {
        "FunctionName": f"<{function}Function.Arn>",
        "Payload": {"state": name, "execution.$": "$$.Execution.Id", "last.$": "$"},
    }
    # The function's answer alone is what the next state is given.
    assert task["OutputPath"] == "$.Payload"


@pytest.mark.parametrize("name", POLLED)
def test_what_is_tried_again(states: dict[str, Any], name: str) -> None:
    assert states[name]["Retry"] == [
        {"ErrorEquals": FINAL_ERRORS, "MaxAttempts": 0},
        {"ErrorEquals": ["RoleNotReady"], "IntervalSeconds": 10, "MaxAttempts": 9, "BackoffRate": 1.3},
        {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5, "MaxAttempts": 4, "BackoffRate": 2},
    ]
    assert ("Catch" in states[name]) == (name == "CutOver")


def test_ready_waits_for_the_operator_and_looks_again_every_ten_minutes(states: dict[str, Any]) -> None:
    task = states[READY]
    assert task["Resource"] == "arn:<AWS::Partition>:states:::lambda:invoke.waitForTaskToken"
    assert task["Parameters"] == {
        "FunctionName": "<CutOverFunction.Arn>",
        "Payload": {"state": READY, "execution.$": "$$.Execution.Id", "token.$": "$$.Task.Token"},
    }
    assert task["TimeoutSeconds"] == 600
    assert task["Catch"] == [{"ErrorEquals": ["States.Timeout"], "ResultPath": None, "Next": READY}]
    # A time-out is no failure to be tried again, which would give no new token.
    assert task["Retry"][0] == {"ErrorEquals": ["States.Timeout", *FINAL_ERRORS], "MaxAttempts": 0}
    assert task["Next"] == "CutOver"
    # Six events an entry (Step Functions guide, "Quotas": 25,000 for an execution).
    assert 14 * 86400 / task["TimeoutSeconds"] * 6 < 25_000 / 2


def test_whatever_fails_in_cut_over_lifts_the_fence(states: dict[str, Any]) -> None:
    (catch,) = states["CutOver"]["Catch"]
    assert catch == {"ErrorEquals": ["States.ALL"], "ResultPath": "$.failed", "Next": "LiftFence"}


@pytest.mark.parametrize(
    ("state", "given", "following"),
    [
        ("CutOver", {"cut_over": True}, "Complete"),
        ("CutOver", {"cut_over": False}, READY),
        ("LiftFence", {"turned_back": True}, READY),
        ("LiftFence", {"turned_back": False}, "CutOver"),
        ("StartCapture", {"cut_over": True}, "CutOver"),
        ("StartCapture", {"cut_over": False}, "Settle"),
    ],
)
def test_where_a_cut_over_leads(states: dict[str, Any], state: str, given: dict[str, Any], following: str) -> None:
    done = choice(states[states[state]["Next"]], {"done": True})
    assert choice(states[done], given) == following


@pytest.mark.parametrize(("name", "following", "more"), JOBS_LEAD_TO)
def test_jobs(states: dict[str, Any], name: str, following: str, more: dict[str, str]) -> None:
    task = states[name]
    assert task["Resource"] == "arn:<AWS::Partition>:states:::glue:startJobRun.sync"
    assert task["Parameters"] == {"JobName": f"<{name}>", "Arguments": {"--epoch.$": "$.epoch", **more}}
    # A run's description is not passed on: the next state would be given it as its last answer.
    assert task["ResultPath"] is None
    assert [(retry["ErrorEquals"], retry["MaxAttempts"]) for retry in task["Retry"]] == [
        (["Glue.ConcurrentRunsExceededException"], 2000),
    ]
    assert task["Next"] == following


@pytest.mark.parametrize(("name", "following", "more"), JOBS_LEAD_TO)
def test_a_failed_run_is_followed_by_three_more(
    states: dict[str, Any], name: str, following: str, more: dict[str, str]
) -> None:
    assert states[f"{name}Begins"] == {"Type": "Pass", "Result": 0, "ResultPath": "$.failures", "Next": name}
    (catch,) = states[name]["Catch"]
    assert catch == {"ErrorEquals": ["States.TaskFailed"], "ResultPath": "$.failure", "Next": f"{name}Failed"}
    failed = states[f"{name}Failed"]
    assert failed["Choices"][0]["Or"][-1] == {"Variable": "$.failures", "NumericGreaterThanEquals": 3}
    counts = states[failed["Default"]]
    kept = {argument.removeprefix("--"): value for argument, value in more.items()}
    assert counts["Parameters"] == {"epoch.$": "$.epoch", **kept, "failures.$": "States.MathAdd($.failures, 1)"}
    assert states[counts["Next"]] == {"Type": "Wait", "Seconds": 60, "Next": name}


@pytest.mark.parametrize("name", JOBS)
def test_a_final_error_of_a_run_stops_at_once_and_is_told_as_the_job_told_it(states: dict[str, Any], name: str) -> None:
    (rule,) = states[f"{name}Failed"]["Choices"]
    error = "VerifyFailed" if name == "VerifyJob" else "BulkLoadFailed"
    assert [one.get("StringMatches") for one in rule["Or"][:-1]] == [f"*{error}: *" for error in FINAL_JOB_ERRORS]
    assert {one["Variable"] for one in rule["Or"][:-1]} == {"$.failure.Cause"}
    assert states[rule["Next"]] == {"Type": "Fail", "Error": error, "CausePath": "$.failure.Cause"}


def test_final_errors_of_jobs_are_raised_by_the_jobs() -> None:
    glue = LAMBDA.parent / "glue"
    assert set(FINAL_JOB_ERRORS) <= exceptions_raised_behind(*sorted(glue.glob("*_migration_job.py")))


def test_a_run_in_the_way_is_waited_for_longer_than_a_run_can_last(states: dict[str, Any]) -> None:
    retry = states["DirectMigrationJob"]["Retry"][0]
    assert retry["MaxAttempts"] * retry["MaxDelaySeconds"] > 10_079 * 60


def test_the_definition_is_written_in_json_path(definition: dict[str, Any]) -> None:
    assert "QueryLanguage" not in definition
    assert all("Assign" not in state and "QueryLanguage" not in state for state in definition["States"].values())


def test_every_state_leads_to_a_state(definition: dict[str, Any], states: dict[str, Any]) -> None:
    named = {definition["StartAt"]}
    for state in states.values():
        named |= {state[member] for member in ("Next", "Default") if member in state}
        named |= {rule["Next"] for rule in [*state.get("Choices", []), *state.get("Catch", [])]}
    assert named == set(states)


def test_final_errors_are_those_that_the_states_raise() -> None:
    raised = exceptions_raised_behind(*STATE_HANDLERS)
    assert set(FINAL_ERRORS) == raised - set(NOT_FINAL)


def test_exceptions_that_are_not_final_still_exist() -> None:
    raised = exceptions_raised_behind(*STATE_HANDLERS)
    assert set(NOT_FINAL) <= raised


def exceptions_raised_behind(*handlers: Path) -> set[str]:
    """The names of the project's own exceptions that the functions' modules raise, by their source.

    Lambda gives Step Functions the name of an exception's class as the error's name.
    """
    trees = [ast.parse(file.read_text()) for file in sorted(modules_behind(*handlers))]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    defined = {node.name for node in nodes if isinstance(node, ast.ClassDef) and is_exception(node)}
    raised = {
        node.exc.func.id
        for node in nodes
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name)
    }
    return defined & raised


def is_exception(node: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Name) and base.id.endswith(("Exception", "Error")) for base in node.bases)


def modules_behind(*handlers: Path) -> set[Path]:
    """The handlers and every module that they import, however indirectly."""
    found: set[Path] = set()
    waiting = list(handlers)
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting.extend(imported(file))
    return found


def imported(file: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            folder = LAMBDA.joinpath(*node.module.split("."))
            candidates = [folder.with_suffix(".py"), *(folder / f"{alias.name}.py" for alias in node.names)]
            yield from (candidate for candidate in candidates if candidate.is_file())
