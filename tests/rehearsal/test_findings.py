"""The verdict, the report in words and as JSON, and missing permissions in what AWS says."""

from __future__ import annotations

import json

import pytest

from ddb_migration_construct.rehearsal.comparison import Comparison, Difference
from ddb_migration_construct.rehearsal.denials import denials_in
from ddb_migration_construct.rehearsal.limits import LIMITS
from ddb_migration_construct.rehearsal.report import report_lines
from ddb_migration_construct.rehearsal.verdict import Differences, Failure, Findings, SwitchFigures, as_json, overall

EQUAL = Comparison(10, 10)
DIFFERENT = Comparison(10, 9, missing=1, differences=(Difference("different", "abc", ("a", "\u2028[red]")),))
FAILURE = Failure("SetupCheckFailed", "no stream\nno recovery", ("dynamodb:Scan for role Job",))
KEYS = {
    "verdict",
    "mode",
    "source_items",
    "destination_items",
    "missing",
    "extra",
    "different",
    "writes",
    "captured",
    "applied",
    "stale_skipped",
    "parked",
    "faults",
    "phases",
    "seed",
    "differences_planted",
    "differences_found",
    "differences_repaired",
    "false_differences",
    "verified_again",
}


def findings(comparison: Comparison | None = None, failure: Failure | None = None) -> Findings:
    return Findings("direct", 7, counts={"captured": 3, "applied": 2}, comparison=comparison, failure=failure)


@pytest.mark.parametrize(
    ("comparison", "failure", "verdict", "exit_code"),
    [
        (EQUAL, None, "equal", 0),
        (DIFFERENT, None, "different", 1),
        (None, FAILURE, "failed", 1),
        (None, None, "failed", 1),
        (EQUAL, FAILURE, "failed", 1),
    ],
)
def test_only_equal_tables_without_a_failure_are_equal(
    comparison: Comparison | None, failure: Failure | None, verdict: str, exit_code: int
) -> None:
    found = findings(comparison, failure)
    assert (found.verdict, found.exit_code) == (verdict, exit_code)


@pytest.mark.parametrize(
    ("differences", "verdict"),
    [
        (Differences(0, 0, 0), "equal"),
        (Differences(8, 8, 8, "equal"), "equal"),
        (Differences(8, 7, 7), "failed"),
        (Differences(8, 8, 7), "failed"),
        (Differences(8, 9, 9), "failed"),
        (Differences(0, 1, 1), "failed"),
        (Differences(8, 8, 8, "unequal"), "failed"),
    ],
)
def test_a_wrong_verify_fails_the_rehearsal(differences: Differences, verdict: str) -> None:
    found = findings(EQUAL)
    found.differences = differences
    assert found.verdict == verdict
    assert found.as_json()["false_differences"] == max(0, differences.found - differences.planted)
    text = "\n".join(report_lines([found]))
    assert f"verify: {differences.planted} differences planted, {differences.found} found" in text


@pytest.mark.parametrize("found", [findings(EQUAL), findings(DIFFERENT), findings(failure=FAILURE)])
def test_the_json_has_every_key_whatever_happened(found: Findings) -> None:
    report = json.loads(json.dumps(found.as_json()))
    assert report.keys() >= KEYS
    assert (report["captured"], report["applied"], report["parked"]) == (3, 2, 0)


def test_a_failed_rehearsal_knows_no_differences() -> None:
    report = findings(failure=FAILURE).as_json()
    assert (report["missing"], report["source_items"]) == (None, None)
    assert report["failure"]["cause"] == FAILURE.cause


@pytest.mark.parametrize("found", [findings(EQUAL), findings(DIFFERENT), findings(failure=FAILURE)])
def test_the_report_says_what_it_cannot_show_and_ends_with_the_verdict(found: Findings) -> None:
    lines = list(report_lines([found]))
    assert all(any(limit in line for line in lines) for limit in LIMITS)
    assert lines[-1] == f"Verdict: {found.verdict} (seed 7)"


def test_faults_are_counted_by_kind() -> None:
    found = findings(EQUAL)
    found.planted, found.faults = "random-group", {"UnprocessedItems": 3, "invocation failed": 1}
    assert found.as_json()["faults"] == {"random-group": 1, "UnprocessedItems": 3, "invocation failed": 1}
    text = "\n".join(report_lines([found]))
    assert "planted: random-group" in text
    assert "injected: UnprocessedItems 3, invocation failed 1" in text
    assert findings(EQUAL).as_json()["faults"] == {}


@pytest.mark.parametrize(
    ("rehearsals", "verdict"),
    [
        ([findings(EQUAL), findings(EQUAL)], "equal"),
        ([findings(EQUAL), findings(DIFFERENT)], "different"),
        ([findings(failure=FAILURE), findings(DIFFERENT)], "failed"),
        ([], "failed"),
    ],
)
def test_the_worst_of_several_verdicts_stands(rehearsals: list[Findings], verdict: str) -> None:
    assert overall(rehearsals) == verdict
    assert as_json(rehearsals)["verdict"] == verdict


def test_several_rehearsals_are_reported_one_after_the_other() -> None:
    both = [findings(EQUAL), findings(DIFFERENT)]
    both[1].mode = "large"
    lines = list(report_lines(both))
    assert lines[-1] == "Verdict: different (seed 7)"
    assert "  verdict of direct: equal" in lines
    assert "  verdict of large: different" in lines
    assert [found["mode"] for found in as_json(both)["rehearsals"]] == ["direct", "large"]
    assert as_json(both[:1]) == both[0].as_json()


def test_the_report_shows_differences_with_harmless_attribute_names() -> None:
    text = "\n".join(report_lines([findings(DIFFERENT)]))
    assert "key abc: different in 'a', '\\u2028[red]'" in text


def test_the_report_shows_error_cause_and_missing_permissions() -> None:
    text = "\n".join(report_lines([findings(failure=FAILURE)]))
    assert "SetupCheckFailed:\n    no stream\n    no recovery" in text
    assert "missing permission: dynamodb:Scan for role Job" in text


@pytest.mark.parametrize(
    ("cause", "shown"),
    [
        ('{"errorMessage": "no stream", "errorType": "E", "stackTrace": ["line 1"]}', "no stream"),
        ('{"JobRunState": "FAILED", "ErrorMessage": "no memory"}', "no memory"),
        ("[1]", "[1]"),
        ("plain", "plain"),
    ],
)
def test_the_report_shows_the_message_inside_a_cause(cause: str, shown: str) -> None:
    lines = list(report_lines([findings(failure=Failure("E", cause))]))
    assert lines[lines.index("  E:") + 1] == f"    {shown}"


DENIED = (
    "An error occurred (AccessDeniedException) when calling the DescribeTable operation: "
    "User: arn:aws:sts::123456789012:assumed-role/Rehearsal-SetupCheckRole-1X/function "
    "is not authorized to perform: dynamodb:DescribeTable on resource: "
    "arn:aws:dynamodb:us-east-1:123456789012:table/Source because no "
    "identity-based policy allows the dynamodb:DescribeTable action"
)


def test_a_denial_names_action_role_and_resource() -> None:
    assert denials_in(f"{DENIED}\n{DENIED}") == [
        "dynamodb:DescribeTable for role Rehearsal-SetupCheckRole-1X on "
        "arn:aws:dynamodb:us-east-1:123456789012:table/Source"
    ]


def test_a_denial_inside_json_ends_with_its_resource() -> None:
    (found,) = denials_in(json.dumps({"cause": json.dumps({"errorMessage": DENIED[: DENIED.index(" because")]})}))
    assert found.endswith("table/Source")


def test_a_denial_without_a_resource_is_found() -> None:
    text = "User: arn:aws:sts::1:assumed-role/Job/run is not authorized to perform: glue:GetJobRuns"
    assert denials_in(text) == ["glue:GetJobRuns for role Job"]


def test_other_errors_are_no_denials() -> None:
    assert denials_in("ValidationException: one or more parameter values were invalid") == []


@pytest.mark.parametrize(
    ("there", "back", "lost", "verdict"),
    [
        (0, None, 0, "equal"),
        (2, None, 2, "different"),
        (0, 0, 0, "equal"),
        (0, 3, 3, "different"),
        (2, 3, 5, "different"),
    ],
)
def test_what_a_switch_has_lost_is_told_and_is_no_equal_end(
    there: int, back: int | None, lost: int, verdict: str
) -> None:
    found = findings(EQUAL)
    found.to = "cut-over" if back is None else "roll-back"
    found.cut_over = SwitchFigures("fenced", 90, there, 7, 8.5)
    found.roll_back = None if back is None else SwitchFigures("fenced", 30, back, 5, 9.5)
    report = found.as_json()
    assert (report["lost"], report["verdict"], found.exit_code) == (lost, verdict, int(lost > 0))
    assert (report["refused_during_fence"], report["fence_seconds"]) == (7, 8.5)
    assert report["rolled_back"] == (None if back is None else True)
    text = "\n".join(report_lines([found]))
    assert f"cut over fenced after 90 writes: lost {there}, refused during the fence 7, fence 8.5 s" in text
    if back is not None:
        assert report["roll_back"] == {"writes": 30, "lost": back, "refused_during_fence": 5, "fence_seconds": 9.5}
        assert f"rolled back fenced after 30 writes: lost {back}, refused during the fence 5, fence 9.5 s" in text


def test_a_rehearsal_that_came_to_no_switch_has_lost_nothing_that_is_known() -> None:
    found = findings(EQUAL)
    assert found.as_json()["lost"] is found.as_json()["rolled_back"] is found.as_json()["roll_back"] is None
    found.to = "roll-back"
    assert found.as_json()["rolled_back"] is False
