from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ddb_migration import names
from ddb_migration.aws.executions import Executions
from ddb_migration.aws.role_permissions import RolePermissions
from ddb_migration.aws.table_policy import TablePolicy
from ddb_migration.aws.tables import Tables
from ddb_migration.core.checks import check
from ddb_migration.core.continuity import STREAM_SECONDS
from ddb_migration.core.findings import Finding, SetupCheckFailed, require_none
from enable_trigger import start_capture
from setup_check import handler as handler_module
from setup_check.features import ENABLING_POLLS, switch_on
from setup_check.look import Look
from setup_check.roles import Roles
from setup_check.summary import summary
from tests.fakes.client_errors import client_error
from tests.functions.migration import (
    ALIEN,
    DIRECT_ROLE,
    EXECUTION,
    LARGE_ROLE,
    OTHER,
    PROCESSOR,
    VERIFY_ROLE,
    WRITER,
    Caller,
    Migration,
)

ONE, TWO = (f"arn:aws:lambda:us-east-1:123456789012:function:{name}" for name in ("one", "two"))
WRITES = {
    "PutItem",
    "DeleteItem",
    "UpdateItem",
    "BatchWriteItem",
    "UpdateTable",
    "UpdateContinuousBackups",
    "ExportTableToPointInTime",
    "CreateEventSourceMapping",
    "UpdateEventSourceMapping",
    "DeleteEventSourceMapping",
    "PutParameter",
    "DeleteParameter",
    "StopExecution",
    "SendMessageBatch",
}


def look(migration: Migration) -> Look:
    return Look(
        environment=migration.environment,
        tables=Tables(migration.aws.dynamodb),
        destination_tables=Tables(migration.aws.dynamodb),
        destination_policy=TablePolicy(migration.aws.dynamodb, migration.destination),
        control=migration.control,
        mappings=migration.mappings,
        executions=Executions(migration.aws.states),
        lock=migration.lock(),
        clock=migration.clock,
    )


def roles(migration: Migration) -> Roles:
    return Roles(migration.aws.functions, RolePermissions(migration.aws.iam, "us-east-1"), migration.environment)


def findings(migration: Migration, execution: str = EXECUTION) -> list[Finding]:
    setup = look(migration).at(execution)
    return check(setup) + roles(migration).findings(setup)


def codes(migration: Migration, execution: str = EXECUTION) -> list[str]:
    return [finding.code for finding in findings(migration, execution)]


def _describe(table: str, **changed: Any) -> Callable[[Migration], object]:
    return lambda migration: migration.aws.dynamodb.tables[table].description.update(changed)


def _two_readers(migration: Migration) -> None:
    for function in (ONE, TWO):
        migration.aws.functions.create_event_source_mapping(FunctionName=function, EventSourceArn=migration.stream_arn)


def _read_destination(migration: Migration) -> None:
    migration.aws.dynamodb.tables["destination"].switch_stream({"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
    stream = migration.aws.dynamodb.tables["destination"].description["LatestStreamArn"]
    migration.aws.functions.create_event_source_mapping(FunctionName=ONE, EventSourceArn=stream)


def _expire(table: str, attribute: str) -> Callable[[Migration], object]:
    return lambda migration: setattr(migration.aws.dynamodb.tables[table], "expires_by", attribute)


def _move(name: str) -> Callable[[Migration], object]:
    """Let a table's ARN name another Region, where no client of this one may ask for it."""

    def move(migration: Migration) -> None:
        arn = getattr(migration, name).replace("us-east-1", "eu-west-1")
        setattr(migration, name, arn)

    return move


def _resettle(migration: Migration, arn: str) -> None:
    """Let the destination be in another Region or account, where the client that is used reaches it."""
    tables = migration.aws.dynamodb.tables
    tables[arn] = tables.pop("destination")
    tables[arn].description["TableArn"] = migration.destination = arn


def _give_away(migration: Migration) -> None:
    """Let the destination belong to another account, whose policy lets nobody in."""
    _resettle(migration, migration.destination.replace("123456789012", "999999999999"))
    callers = {"WriteCdc": ["arn:aws:iam::123456789012:role/writer", "PutItem DeleteItem"]}
    migration.more[names.DESTINATION_CALLERS] = json.dumps(callers)
    migration.aws.dynamodb.put_resource_policy(
        ResourceArn=migration.destination, Policy=json.dumps({"Statement": {"Effect": "Deny", "Principal": "*"}})
    )


def _fill_destination(migration: Migration) -> None:
    migration.aws.dynamodb.put_item(TableName=migration.destination, Item={"pk": {"S": "old"}})


def _deny(function: str) -> Callable[[Migration], object]:
    return lambda migration: migration.aws.functions.answers.update({function: lambda event: {"denied": ["sqs:X"]}})


def _crash(migration: Migration) -> None:
    def handler(event: Any) -> Any:
        raise RuntimeError("no module named boto3")

    migration.aws.functions.answers[WRITER] = handler


BREAKS: dict[str, Callable[[Migration], object]] = {
    "source-elsewhere": _move("source"),
    "destination-elsewhere": _move("destination"),
    "destination-policy": _give_away,
    "source-missing": lambda migration: migration.aws.dynamodb.tables.pop("source"),
    "destination-missing": lambda migration: migration.aws.dynamodb.tables.pop("destination"),
    "source-not-active": _describe("source", TableStatus="ARCHIVED"),
    "destination-not-active": _describe("destination", TableStatus="CREATING"),
    "source-key": _describe("source", SSEDescription={"InaccessibleEncryptionDateTime": 1}),
    "destination-key": _describe("destination", TableStatus="INACCESSIBLE_ENCRYPTION_CREDENTIALS"),
    "source-stream-off": lambda m: m.aws.dynamodb.tables["source"].switch_stream({"StreamEnabled": False}),
    "source-stream-view": _describe(
        "source", StreamSpecification={"StreamEnabled": True, "StreamViewType": "OLD_IMAGE"}
    ),
    "source-recovery-off": _describe("source", TableSizeBytes=1000),
    "stream-readers": _two_readers,
    "destination-stream-readers": _read_destination,
    "destination-time-to-live": lambda m: (_expire("source", "ttl")(m), _expire("destination", "ttl")(m)),
    "time-to-live-differs": _expire("destination", "ttl"),
    "forecast": lambda m: m.settings.update(change_retention_seconds=-1),
    "key-schema": _describe("destination", KeySchema=[{"AttributeName": "city", "KeyType": "HASH"}]),
    "destination-not-empty": _fill_destination,
    "destination-locked": lambda migration: migration.lock(ALIEN).acquire(),
    "index": _describe("destination", GlobalSecondaryIndexes=[]),
    "function-role": _deny(PROCESSOR),
    "job-role": lambda m: m.aws.iam.denied.update({(DIRECT_ROLE, "dynamodb:Scan"): "implicitDeny"}),
}


def test_a_sound_set_up_has_no_finding_and_a_summary(migration: Migration) -> None:
    _describe("source", ItemCount=12, TableSizeBytes=900)(migration)
    _expire("source", "ttl")(migration)
    setup = look(migration).at(EXECUTION)
    assert codes(migration) == []
    assert summary(setup, []) == {
        "epoch": None,
        "status": "closed",
        "mode": "direct",
        "bytes": 900,
        "items": 12,
        "stream_view": "NEW_IMAGE",
        "max_read_units_per_second": 3000.0,
        "max_write_units_per_second": None,
        "expected_write_units_per_second": 4000.0,
        "forecast_seconds": 0,
        "accepted": [],
        "incomplete": None,
        "advice": [],
        "after_cut_over": ["switch on time to live at the destination, by the attribute ttl"],
    }


@pytest.mark.parametrize("code", BREAKS)
def test_each_finding_by_itself(migration: Migration, code: str) -> None:
    BREAKS[code](migration)
    assert codes(migration) == [code]


def test_limits_that_were_given_are_the_ones_that_are_told(migration: Migration) -> None:
    migration.settings.update(max_read_units_per_second=70, max_write_units_per_second=7)
    _describe("source", ItemCount=700, TableSizeBytes=900)(migration)
    told = summary(look(migration).at(EXECUTION), [])
    assert (told["max_read_units_per_second"], told["max_write_units_per_second"]) == (70, 7)
    assert (told["expected_write_units_per_second"], told["forecast_seconds"]) == (7, 100)


def test_four_findings_are_told_at_once_and_nothing_is_written(migration: Migration) -> None:
    broken = ("source-stream-off", "source-recovery-off", "destination-not-empty", "function-role")
    for code in broken:
        BREAKS[code](migration)
    before = {name: len(fake.calls) for name, fake in _fakes(migration).items()}
    with pytest.raises(SetupCheckFailed) as failed:
        require_none(findings(migration), migration.environment.settings.accepted_findings)
    assert all(f"[{code}]" in str(failed.value) for code in broken)
    made = {operation for name, fake in _fakes(migration).items() for operation, _ in fake.calls[before[name] :]}
    assert made
    assert not made & WRITES


def test_an_advised_finding_that_is_accepted_does_not_stop_the_run(migration: Migration) -> None:
    _two_readers(migration)
    with pytest.raises(SetupCheckFailed, match="stream-readers"):
        require_none(findings(migration), ())
    require_none(findings(migration), ("stream-readers",))
    setup = look(migration).at(EXECUTION)
    assert "stream-readers" in summary(setup, findings(migration))["accepted"][0]


def test_keys_that_differ_are_found_and_no_function_is_probed(migration: Migration) -> None:
    _describe("destination", KeySchema=[{"AttributeName": "city", "KeyType": "HASH"}])(migration)
    assert codes(migration) == ["key-schema"]
    assert "Invoke" not in migration.aws.functions.operations()


def test_a_probe_that_fails_is_a_finding_with_its_reason(migration: Migration) -> None:
    _crash(migration)
    (finding,) = findings(migration)
    assert finding.code == "function-role"
    assert "WriteCdc" in finding.found
    assert "no module named boto3" in finding.found


def test_a_table_elsewhere_is_not_asked_for(migration: Migration) -> None:
    _move("source")(migration)
    findings(migration)
    asked = [request["TableName"] for _, request in migration.aws.dynamodb.calls if "TableName" in request]
    assert not [name for name in asked if "eu-west-1" in name]


@pytest.mark.parametrize("status", ["CREATING", "ARCHIVED", "INACCESSIBLE_ENCRYPTION_CREDENTIALS"])
def test_a_table_that_does_not_serve_is_not_read(migration: Migration, status: str) -> None:
    _describe("destination", TableStatus=status)(migration)
    findings(migration)
    assert "Scan" not in migration.aws.dynamodb.operations()


def test_a_look_that_is_denied_hides_nothing_else(migration: Migration, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(**request: Any) -> Any:
        raise client_error("Scan", "AccessDeniedException", "not authorized to perform: kms:Decrypt on resource: k")

    BREAKS["source-stream-off"](migration)
    monkeypatch.setattr(migration.aws.dynamodb, "scan", denied)
    found = findings(migration)
    assert [finding.code for finding in found] == ["source-stream-off", "function-role"]
    assert "the role of SetupCheck lacks a permission" in found[1].found


def test_a_look_that_fails_otherwise_fails_the_check(migration: Migration, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**request: Any) -> Any:
        raise client_error("Scan", "InternalServerError", "try again")

    monkeypatch.setattr(migration.aws.dynamodb, "scan", broken)
    with pytest.raises(ClientError, match="try again"):
        findings(migration)


def test_the_roles_of_the_jobs_that_will_run_are_simulated_and_no_other(migration: Migration) -> None:
    findings(migration)
    assert {request["PolicySourceArn"] for _, request in migration.aws.iam.calls} == {DIRECT_ROLE, VERIFY_ROLE}
    migration.aws.iam.calls.clear()
    _describe("source", TableSizeBytes=1000)(migration)
    findings(migration)
    simulated = {
        (request["ResourceArns"][0], action)
        for _, request in migration.aws.iam.calls
        for action in request["ActionNames"]
    }
    assert {request["PolicySourceArn"] for _, request in migration.aws.iam.calls} == {LARGE_ROLE, VERIFY_ROLE}
    assert ("arn:aws:s3:::bucket/export/probe", "s3:GetObject") in simulated
    assert (migration.destination, "dynamodb:BatchWriteItem") in simulated
    assert (migration.destination, "dynamodb:BatchGetItem") in simulated


def test_a_job_that_calls_the_destination_as_a_role_needs_no_more_of_it_than_to_be_that_role(
    migration: Migration,
) -> None:
    migration.more[names.DESTINATION_ROLE] = role = "arn:aws:iam::999999999999:role/destination"
    assert codes(migration) == []
    needed = {
        request["ResourceArns"][0]: tuple(request["ActionNames"])
        for _, request in migration.aws.iam.calls
        if request["PolicySourceArn"] == DIRECT_ROLE
    }
    assert needed[role] == ("sts:AssumeRole",)
    assert migration.destination not in needed


def test_a_destination_in_another_region_is_asked_for_as_the_role(migration: Migration) -> None:
    _resettle(migration, migration.destination.replace("us-east-1", "eu-west-1"))
    migration.more[names.DESTINATION_ROLE] = "arn:aws:iam::123456789012:role/destination"
    assert codes(migration) == []
    assert look(migration).at(EXECUTION).destination is not None


def test_a_job_that_is_denied_explicitly_is_told_so(migration: Migration) -> None:
    migration.aws.iam.denied[DIRECT_ROLE, "dynamodb:BatchWriteItem"] = "explicitDeny"
    (finding,) = findings(migration)
    assert "DirectMigrationJob" in finding.found
    assert "dynamodb:BatchWriteItem" in finding.found
    assert "explicit deny" in finding.remedy


def test_the_simulator_is_told_what_is_known_of_a_job_s_calls(migration: Migration) -> None:
    """A policy that permits one Region only would deny all calls of which nobody says where they go."""
    findings(migration)
    told = [
        {
            entry["ContextKeyName"]: (entry["ContextKeyType"], *entry["ContextKeyValues"])
            for entry in request["ContextEntries"]
        }
        for _, request in migration.aws.iam.calls
    ]
    assert {keys["aws:RequestedRegion"] for keys in told} == {("string", "us-east-1")}
    assert told[0] == {
        "aws:PrincipalArn": ("string", DIRECT_ROLE),
        "aws:PrincipalAccount": ("string", "123456789012"),
        "aws:PrincipalType": ("string", "AssumedRole"),
        "aws:RequestedRegion": ("string", "us-east-1"),
        "aws:SecureTransport": ("boolean", "true"),
        "aws:ViaAWSService": ("boolean", "false"),
        "aws:PrincipalIsAWSService": ("boolean", "false"),
        "cloudwatch:namespace": ("string", "DdbMigration"),
    }


@pytest.mark.parametrize(
    "why",
    [
        {"OrganizationsDecisionDetail": {"AllowedByOrganizations": False}},
        {"MissingContextValues": ["aws:PrincipalOrgID"]},
        {"ResourceSpecificResults": [{"MissingContextValues": ["aws:SourceVpc"]}]},
    ],
    ids=["by a service control policy", "without a key", "without a key for the resource"],
)
def test_a_denial_that_the_simulator_cannot_be_sure_of_stops_nothing_and_is_told(
    migration: Migration, why: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    migration.aws.iam.denied[DIRECT_ROLE, "dynamodb:Scan"] = "explicitDeny"
    migration.aws.iam.details = why
    assert codes(migration) == []
    assert f"{DIRECT_ROLE} is not authorized to perform: dynamodb:Scan" in capsys.readouterr().out


@pytest.mark.parametrize(("decision", "stops"), [("implicitDeny", []), ("explicitDeny", ["job-role"])])
def test_the_policy_of_another_account_is_not_known_to_the_simulator(
    migration: Migration, decision: str, stops: list[str]
) -> None:
    """It calls everything there denied, but for what the role's own policies deny."""
    migration.aws.iam.denied[DIRECT_ROLE, "dynamodb:BatchWriteItem"] = decision
    migration.aws.iam.details = {"EvalDecisionDetails": {"Resource Policy": "implicitDeny"}}
    assert codes(migration) == stops


def test_a_denial_of_which_the_simulator_lacks_nothing_stops_the_run(migration: Migration) -> None:
    migration.aws.iam.denied[DIRECT_ROLE, "dynamodb:Scan"] = "implicitDeny"
    migration.aws.iam.details = {
        "OrganizationsDecisionDetail": {"AllowedByOrganizations": True},
        "MissingContextValues": [],
        "ResourceSpecificResults": [{"MissingContextValues": []}],
    }
    assert codes(migration) == ["job-role"]


@pytest.mark.parametrize("refusal", ["AccessDenied", "InvalidInput", "PolicyEvaluation"])
def test_where_the_simulator_is_denied_or_cannot_judge_the_run_goes_on_and_says_so(
    migration: Migration, refusal: str, capsys: pytest.CaptureFixture[str]
) -> None:
    migration.aws.iam.refusal = refusal
    assert codes(migration) == []
    assert "the role of DirectMigrationJob is not checked" in capsys.readouterr().out


def test_our_own_mapping_is_no_other_reader(migration: Migration) -> None:
    migration.mappings.ensure_stream(PROCESSOR, migration.stream_arn)
    _two_readers(migration)
    assert look(migration).at(EXECUTION).source_readers == (ONE, TWO)


# --- an epoch that is open already -----------------------------------------------------------------------------


@pytest.fixture
def capturing(migration: Migration) -> Migration:
    migration.aws.states.status[EXECUTION] = "RUNNING"
    Caller(migration, start_capture.run).once()
    return migration


def test_an_open_epoch_goes_on_into_what_it_has_written(capturing: Migration) -> None:
    _fill_destination(capturing)
    assert codes(capturing) == []


def test_a_second_execution_is_told_of_the_first_until_that_has_ended(capturing: Migration) -> None:
    assert codes(capturing, OTHER) == ["already-running"]
    capturing.aws.states.status[EXECUTION] = "FAILED"
    assert codes(capturing, OTHER) == []


def test_a_replaced_stream_is_found(capturing: Migration) -> None:
    source = capturing.aws.dynamodb.tables["source"]
    source.switch_stream({"StreamEnabled": False})
    source.switch_stream({"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})
    assert "stream-replaced" in codes(capturing)


def test_capture_that_stood_still_for_a_day_is_found(capturing: Migration) -> None:
    (mapping,) = capturing.aws.functions.mappings.values()
    capturing.clock.sleep(STREAM_SECONDS)
    assert codes(capturing) == [], "it works now: Lambda keeps its place"
    mapping["State"] = "Disabled"
    assert codes(capturing) == ["stream-gap"]
    capturing.clock.sleep(-1)
    assert codes(capturing) == []


def test_an_open_epoch_keeps_the_bulk_load_that_it_chose(capturing: Migration) -> None:
    assert not look(capturing).at(EXECUTION).is_large
    capturing.control.set_once(EXECUTION, bulk_load="large")
    assert look(capturing).at(EXECUTION).is_large
    assert codes(capturing) == ["source-recovery-off"]


def test_a_table_that_grew_does_not_change_the_bulk_load(capturing: Migration) -> None:
    capturing.control.set_once(EXECUTION, bulk_load="direct")
    _describe("source", TableSizeBytes=1000)(capturing)
    assert codes(capturing) == []


# --- enable_source_features ------------------------------------------------------------------------------------


def test_switching_on_goes_one_step_at_a_time(migration: Migration) -> None:
    BREAKS["source-stream-off"](migration)
    BREAKS["source-recovery-off"](migration)
    tables = Tables(migration.aws.dynamodb)
    steps = [switch_on(tables, migration.control, look(migration).at(EXECUTION)) for _ in range(3)]
    assert [step and step.split("'s ")[1] for step in steps] == [
        "stream to be switched on",
        "point-in-time recovery to be switched on",
        None,
    ]
    source = tables.describe(migration.source)
    assert source is not None
    assert source.stream_view == "NEW_IMAGE"
    assert tables.has_recovery(migration.source)
    assert codes(migration) == []


def test_nothing_is_switched_on_while_the_table_is_being_updated(migration: Migration) -> None:
    BREAKS["source-stream-off"](migration)
    _describe("source", TableStatus="UPDATING")(migration)
    waiting_for = switch_on(Tables(migration.aws.dynamodb), migration.control, look(migration).at(EXECUTION))
    assert "it is UPDATING" in str(waiting_for)
    assert "UpdateTable" not in migration.aws.dynamodb.operations()


def test_a_source_that_is_not_there_is_left_to_the_findings(migration: Migration) -> None:
    BREAKS["source-missing"](migration)
    assert not switch_on(Tables(migration.aws.dynamodb), migration.control, look(migration).at(EXECUTION))


@pytest.mark.parametrize(
    ("polls", "waits"), [(0, False), (1, True), (ENABLING_POLLS - 1, True), (ENABLING_POLLS, False)]
)
def test_a_source_that_is_updated_is_waited_for_only_behind_a_switch(
    migration: Migration, polls: int, waits: bool
) -> None:
    """An index that is being created would hold the start up for hours."""
    _describe("source", TableStatus="UPDATING")(migration)
    setup = look(migration).at(EXECUTION)
    assert bool(switch_on(Tables(migration.aws.dynamodb), migration.control, setup, polls)) is waits


def handle(
    migration: Migration, monkeypatch: pytest.MonkeyPatch, last: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    monkeypatch.setattr(handler_module, "_parts", lambda: (look(migration), roles(migration)))
    return handler_module.handler({"execution": EXECUTION, "last": last or {}}, None)


def test_the_handler_switches_on_and_then_lets_the_migration_start(
    migration: Migration, monkeypatch: pytest.MonkeyPatch
) -> None:
    migration.settings["enable_source_features"] = True
    BREAKS["source-stream-off"](migration)
    _describe("source", TableStatus="UPDATING")(migration)
    first = handle(migration, monkeypatch)
    assert (first["done"], first["wait_seconds"]) == (False, 15)
    assert "its stream can be switched on" in first["waiting_for"]
    assert handle(migration, monkeypatch, first)["wait_seconds"] > 15, "so a wait of hours stays within the events"
    _describe("source", TableStatus="ACTIVE")(migration)
    assert handle(migration, monkeypatch)["waiting_for"] == "the source's stream to be switched on"
    answer = handle(migration, monkeypatch)
    assert (answer["done"], answer["setup"]["mode"]) == (True, "direct")


def test_nothing_is_switched_on_while_anything_else_is_wrong(
    migration: Migration, monkeypatch: pytest.MonkeyPatch
) -> None:
    migration.settings["enable_source_features"] = True
    BREAKS["source-stream-off"](migration)
    BREAKS["destination-missing"](migration)
    with pytest.raises(SetupCheckFailed) as failed:
        handle(migration, monkeypatch)
    assert "destination-missing" in str(failed.value)
    assert "source-stream-off" not in str(failed.value)
    assert "UpdateTable" not in migration.aws.dynamodb.operations()


def _fakes(migration: Migration) -> dict[str, Any]:
    aws = migration.aws
    return {"dynamodb": aws.dynamodb, "lambda": aws.functions, "ssm": aws.ssm, "states": aws.states, "sqs": aws.sqs}
