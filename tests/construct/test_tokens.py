"""Names, numbers and ARNs that only a deployment knows are passed on, and not judged."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import CfnParameter, Duration, Size, Stack
from aws_cdk import aws_dynamodb as dynamodb

from tests.construct.stacks import (
    MIGRATION,
    environment,
    migrate,
    new_stack,
    plain,
    properties,
    resources_of,
    statements,
    template_of,
)


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    stack = new_stack()

    def number(id: str) -> int:
        # CDK encodes a token as a number that no real one is; to type checkers it is a float.
        return CfnParameter(stack, id, type="Number").value_as_number  # type: ignore[return-value]  # see above

    def text(id: str) -> str:
        return CfnParameter(stack, id).value_as_string

    migrate(
        stack,
        source_table=dynamodb.Table.from_table_arn(stack, "Old", text("SourceArn")),
        destination_table=dynamodb.Table.from_table_arn(stack, "New", text("DestinationArn")),
        size_threshold=Size.bytes(number("Threshold")),
        change_retention=Duration.seconds(number("Retention")),
        accepted_findings=[text("Finding")],
        max_read_units_per_second=number("Reads"),
        max_write_units_per_second=number("Writes"),
        max_rejected_items=number("Rejected"),
        worker_type=text("WorkerType"),
        max_workers=number("Workers"),
        max_apply_concurrency=number("Applies"),
    )
    return template_of(stack)


@pytest.mark.parametrize("function", ["SetupCheck", "EnableTrigger"])
def test_settings_hold_the_parameters(template: dict[str, Any], function: str) -> None:
    settings = environment(template, function)["SETTINGS"]
    text = plain(settings)
    assert text == (
        '{"size_threshold_bytes":<Threshold>,"enable_source_features":false,"accepted_findings":["<Finding>"],'
        '"worker_type":"<WorkerType>","max_workers":<Workers>,"max_apply_concurrency":<Applies>,'
        '"max_read_units_per_second":<Reads>,"max_write_units_per_second":<Writes>,"change_retention_seconds":<Retention>,'
        '"repair_extra":false,"fence_source_writes":false}'
    )


def test_settings_are_json_when_deployed(template: dict[str, Any]) -> None:
    text = plain(environment(template, "SetupCheck")["SETTINGS"])
    for parameter in ("Threshold", "Workers", "Applies", "Reads", "Writes", "Retention"):
        text = text.replace(f"<{parameter}>", "17")
    assert json.loads(text)["max_workers"] == 17


def test_jobs_and_queue_hold_the_parameters(template: dict[str, Any]) -> None:
    for job in resources_of(template, "AWS::Glue::Job").values():
        assert plain(job["Properties"]["NumberOfWorkers"]) == "<Workers>"
        assert plain(job["Properties"]["WorkerType"]) == "<WorkerType>"
    assert plain(properties(template, "AWS::SQS::Queue", "ChangeQueue"))["MessageRetentionPeriod"] == "<Retention>"


def test_functions_are_told_the_arns(template: dict[str, Any]) -> None:
    told = plain(environment(template, "WriteCdc"))
    assert (told["SOURCE_TABLE"], told["DESTINATION_TABLE"]) == ("<SourceArn>", "<DestinationArn>")


def test_roles_are_granted_the_arns(template: dict[str, Any]) -> None:
    granted = {(role, str(statement["Action"]), str(statement["Resource"])) for role, statement in statements(template)}
    assert ("DirectMigrationJobRole", "dynamodb:Scan", "<SourceArn>") in granted
    assert ("DirectMigrationJobRole", "dynamodb:BatchWriteItem", "<DestinationArn>") in granted
    streams = [resource for _, action, resource in granted if "GetRecords" in action]
    assert streams == ["<SourceArn>/stream/*"] * 2


def test_no_token_is_left_over(template: dict[str, Any]) -> None:
    text = json.dumps(template)
    assert "Token[" not in text
    # What an encoded number looks like.
    assert "e+289" not in text


def test_names_from_parameters() -> None:
    stack = new_stack()
    for id in ("Old", "New"):
        CfnParameter(stack, f"{id}Name")
    parameters = {id: stack.node.find_child(f"{id}Name") for id in ("Old", "New")}
    tables = {
        id: dynamodb.Table.from_table_name(stack, id, parameter.value_as_string)  # type: ignore[attr-defined]  # a CfnParameter
        for id, parameter in parameters.items()
    }
    migrate(stack, source_table=tables["Old"], destination_table=tables["New"])
    told = plain(environment(template_of(stack), "SetupCheck"))
    assert told["SOURCE_TABLE"] == "arn:<AWS::Partition>:dynamodb:<AWS::Region>:<AWS::AccountId>:table/<OldName>"


def test_a_list_of_findings_from_a_parameter_is_not_judged() -> None:
    stack = new_stack()
    findings = CfnParameter(stack, "Findings", type="CommaDelimitedList").value_as_list
    assert migrate(stack, accepted_findings=findings).migration_name


def test_a_destination_from_a_parameter_takes_one_migration_too() -> None:
    stack = new_stack()
    arn = CfnParameter(stack, "Arn").value_as_string
    first, second = (dynamodb.Table.from_table_arn(stack, id, arn) for id in ("A", "B"))
    migrate(stack, "First", destination_table=first)
    with pytest.raises(ValueError, match="is already the destination of Orders/First"):
        migrate(stack, "Second", destination_table=second)


def test_region_of_a_parameter_is_not_judged() -> None:
    stack = Stack(new_stack(), "Here", env={"account": "123456789012", "region": "us-east-1"})
    table = dynamodb.Table.from_table_arn(stack, "Far", CfnParameter(stack, "Arn").value_as_string)
    assert migrate(stack, MIGRATION, source_table=table).migration_name
