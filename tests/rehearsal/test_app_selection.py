"""What is deployed of a team's app: the migration, what it refers to through all stacks, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ddb_migration_construct.rehearsal.app_selection import (
    AppNotRehearsable,
    Selection,
    left_out,
    migrations_of,
    select,
)
from ddb_migration_construct.rehearsal.app_templates import stand_ins, write_selection
from ddb_migration_construct.rehearsal.bulk_load_choice import choose_bulk_load
from ddb_migration_construct.rehearsal.cloud_assembly import AssemblyStack, copy_assembly, read_stacks
from tests.rehearsal.assemblies import migration, write

TABLE = {"Type": "AWS::DynamoDB::Table", "Properties": {}}
TOPIC = {"Type": "AWS::SNS::Topic"}


def selected(folder: Path) -> tuple[Selection, list[AssemblyStack]]:
    stacks = read_stacks(folder)
    (found,) = migrations_of(stacks)
    return select(found, stacks), stacks


def rewritten(folder: Path) -> dict[str, Any]:
    """Select, write anew, and return the templates by the stack's name."""
    stacks = read_stacks(folder)
    (found,) = migrations_of(stacks)
    selection = select(found, stacks)
    write_selection(found, selection, stand_ins(found, selection))
    return {stack.name: json.loads(stack.template_file.read_text()) for stack in selection.stacks}


def exporting(resources: dict[str, Any], logical_id: str, export: str) -> dict[str, Any]:
    output = {"Value": {"Fn::GetAtt": [logical_id, "Arn"]}, "Export": {"Name": export}}
    return {"Resources": resources, "Outputs": {"Out": output, "Other": {"Value": "x"}}}


def test_tables_and_their_keys_come_along_from_other_stacks_before_the_migration(tmp_path: Path) -> None:
    encrypted = {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {"SSESpecification": {"KMSMasterKeyId": {"Fn::ImportValue": "Key"}}},
    }
    folder = write(
        tmp_path,
        {
            "Migrations": migration({"Fn::ImportValue": "New"}, {"Ref": "Old"}) | {"Old": TABLE, "Topic": TOPIC},
            "Tables": exporting({"Table": encrypted, "Watcher": TOPIC}, "Table", "New"),
            "Keys": exporting({"Key": {"Type": "AWS::KMS::Key"}}, "Key", "Key"),
        },
    )
    selection, stacks = selected(folder)
    assert [stack.name for stack in selection.stacks] == ["Keys", "Tables", "Migrations"]
    assert selection.resources["Migrations"] == {"MRole", "MCleanUp", "MResource", "Old"}
    assert selection.resources["Tables"] == {"Table"}
    assert selection.resources["Keys"] == {"Key"}
    assert left_out(stacks, [selection]) == [
        "Migrations: Topic (AWS::SNS::Topic)",
        "Tables: Watcher (AWS::SNS::Topic)",
    ]
    templates = rewritten(folder)
    assert set(templates["Tables"]["Outputs"]) == {"Out"}
    assert set(templates["Tables"]["Resources"]) == {"Table"}


def test_a_table_named_by_an_entry_of_parameter_store_comes_from_the_stack_that_writes_it(tmp_path: Path) -> None:
    entry = {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/orders/new", "Value": {"Ref": "Table"}}}
    parameters = {"P": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/orders/new"}}
    folder = write(
        tmp_path,
        {
            "Migrations": {
                "Resources": migration({"Ref": "P"}, "{{resolve:ssm:/orders/old}}"),
                "Parameters": {**parameters, "Unused": {"Type": "String"}},
            },
            "Tables": {"Table": TABLE, "Entry": entry},
        },
    )
    selection, _ = selected(folder)
    assert [stack.name for stack in selection.stacks] == ["Tables", "Migrations"]
    assert selection.resources["Tables"] == {"Table", "Entry"}
    assert selection.parameters == {"/orders/old"}
    assert set(rewritten(folder)["Migrations"]["Parameters"]) == {"P"}


def test_what_lies_outside_the_app_gets_a_stand_in_that_fits_its_place(tmp_path: Path) -> None:
    name = {"Fn::Join": ["", ["arn:aws:dynamodb:", {"Ref": "AWS::Region"}, ":table/", {"Fn::ImportValue": "a:Name"}]]}
    folder = write(tmp_path, {"Migrations": migration(name, {"Fn::ImportValue": "b:Arn"})})
    variables = rewritten(folder)["Migrations"]["Resources"]["MCleanUp"]["Properties"]["Environment"]["Variables"]
    assert variables["SOURCE_TABLE"]["Fn::Join"][1][-1] == "a.Name"
    assert variables["DESTINATION_TABLE"] == "arn:aws:dynamodb:us-east-1:123456789012:table/b.Arn"


def test_accounts_and_regions_become_those_of_the_embedded_aws_and_names_stay(tmp_path: Path) -> None:
    source = "arn:aws:dynamodb:eu-west-1:111122223333:table/orders-eu-west-1"
    host = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "logs.eu-west-1.amazonaws.com"}}
    resources = migration(source, {"Ref": "New"}) | {"New": TABLE, "Host": host}
    resources["MRole"]["Properties"] = {"Host": {"Ref": "Host"}, "Bucket": "assets-111122223333-eu-west-1"}
    folder = write(tmp_path, {"Migrations": resources}, "aws://111122223333/eu-west-1")
    found = rewritten(folder)["Migrations"]["Resources"]
    variables = found["MCleanUp"]["Properties"]["Environment"]["Variables"]
    assert variables["SOURCE_TABLE"] == "arn:aws:dynamodb:us-east-1:123456789012:table/orders-eu-west-1"
    assert found["Host"]["Properties"]["DisplayName"] == "logs.us-east-1.amazonaws.com"
    assert found["MRole"]["Properties"]["Bucket"] == "assets-123456789012-us-east-1"


def test_assets_that_nothing_needs_are_not_even_looked_for(tmp_path: Path) -> None:
    resources = migration("a", "b")
    resources["MCleanUp"]["Properties"]["Code"] = {"S3Key": "used.zip"}
    folder = write(tmp_path, {"Migrations": resources})
    files = {name: {"destinations": {"x": {"objectKey": f"{name}.zip"}}} for name in ("used", "unused")}
    (folder / "Migrations.assets.json").write_text(json.dumps({"files": files}))
    rewritten(folder)
    assert set(json.loads((folder / "Migrations.assets.json").read_text())["files"]) == {"used"}


def test_each_migration_is_selected_alone(tmp_path: Path) -> None:
    both = migration("a", "b") | migration("c", {"Ref": "Table"}, "Migrations/Users", "U") | {"Table": TABLE}
    stacks = read_stacks(write(tmp_path, {"Migrations": both}))
    orders, users = migrations_of(stacks)
    assert (orders.name, users.name) == ("Migrations/Orders", "Migrations/Users")
    assert select(orders, stacks).resources["Migrations"] == {"MRole", "MCleanUp", "MResource"}
    assert select(users, stacks).resources["Migrations"] == {"URole", "UCleanUp", "UResource", "Table"}


def test_stages_are_looked_into_and_kept_apart(tmp_path: Path) -> None:
    for stage in ("dev", "prod"):
        account = {"dev": "1", "prod": "2"}[stage] * 12
        resources = migration({"Fn::ImportValue": "T"}, "b", f"{stage}/M") | {"T": TABLE}
        tables = exporting({"Table": TABLE}, "Table", "T")
        write(tmp_path / f"assembly-{stage}", {"Migrations": resources, "Tables": tables}, f"aws://{account}/r-1")
    nested = {
        stage: {"type": "cdk:cloud-assembly", "properties": {"directoryName": f"assembly-{stage}"}}
        for stage in ("dev", "prod")
    }
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": nested}))
    stacks = read_stacks(copy_assembly(tmp_path, tmp_path.parent / f"{tmp_path.name}-copy"))
    dev, prod = migrations_of(stacks)
    assert [stack.folder.name for stack in select(prod, stacks).stacks] == ["assembly-prod", "assembly-prod"]
    assert (dev.name, prod.name) == ("dev/M", "prod/M")


def test_an_app_without_a_migration_is_refused_with_its_stacks(tmp_path: Path) -> None:
    stacks = read_stacks(write(tmp_path, {"Tables": {"Table": TABLE}, "Web": {}}))
    with pytest.raises(AppNotRehearsable, match=r"no DynamoDbTableMigration; its stacks are: Tables, Web"):
        migrations_of(stacks)


def test_a_migration_in_a_nested_stack_is_refused_with_what_to_do(tmp_path: Path) -> None:
    folder = write(tmp_path, {"Parent": {"Nested": {"Type": "AWS::CloudFormation::Stack"}}})
    (folder / "ParentNested.nested.template.json").write_text(json.dumps({"Resources": migration("a", "b")}))
    with pytest.raises(AppNotRehearsable, match="lie in nested stacks"):
        migrations_of(read_stacks(folder))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"Fn::GetAtt": ["Lookup", "Name"]}, r"refers to what Custom::Lookup answers: Lookup in the stack Migrations"),
        ({"Fn::GetAtt": ["Nested", "Outputs.Name"]}, r"refers to an output of the nested stack Nested"),
        ({"Ref": "Name"}, r"needs the parameter Name of the stack Migrations, which has no default"),
        ({"Fn::ImportValue": {"Fn::Sub": "${AWS::StackName}"}}, r"an export whose name is only known on AWS"),
    ],
)
def test_a_table_named_by_what_only_aws_can_tell_is_refused(tmp_path: Path, source: Any, message: str) -> None:
    more = {"Lookup": {"Type": "Custom::Lookup"}, "Nested": {"Type": "AWS::CloudFormation::Stack"}}
    template = {"Resources": migration(source, "b") | more, "Parameters": {"Name": {"Type": "String"}}}
    with pytest.raises(AppNotRehearsable, match=message):
        selected(write(tmp_path, {"Migrations": template}))


def test_a_bulk_load_may_be_chosen_against_the_apps_own_threshold(tmp_path: Path) -> None:
    resources = migration("a", "b")
    variables = resources["MCleanUp"]["Properties"]["Environment"]["Variables"]
    variables["SETTINGS"] = json.dumps({"size_threshold_bytes": 5, "other": 1}, separators=(",", ":"))
    (stack,) = read_stacks(write(tmp_path, {"Migrations": resources}))
    choose_bulk_load(stack, "as the app says")
    assert '\\"size_threshold_bytes\\":5' in stack.template_file.read_text()
    choose_bulk_load(stack, "large")
    assert '\\"size_threshold_bytes\\":0,' in stack.template_file.read_text()
