"""Every way in which a team may have its tables: made here, made elsewhere, imported, with keys of their own."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms

from tests.construct.stacks import (
    SOURCE_ARN,
    as_list,
    destination,
    environment,
    migrate,
    new_stack,
    plain,
    statements,
    template_of,
)

KEY_ARN = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ID = dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING)
BY_NAME = "arn:<AWS::Partition>:dynamodb:<AWS::Region>:<AWS::AccountId>:table/orders"
READING = {"kms:Decrypt", "kms:DescribeKey"}
WRITING = {*READING, "kms:Encrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*"}


def table_v2(stack: Stack) -> dynamodb.ITable:
    return dynamodb.TableV2(stack, "Old", partition_key=ID)


def by_arn(stack: Stack) -> dynamodb.ITable:
    return dynamodb.Table.from_table_arn(stack, "Old", SOURCE_ARN)


def by_name(stack: Stack) -> dynamodb.ITable:
    return dynamodb.Table.from_table_name(stack, "Old", "orders")


def by_attributes(stack: Stack) -> dynamodb.ITable:
    stream = f"{SOURCE_ARN}/stream/2026-01-01T00:00:00.000"
    return dynamodb.Table.from_table_attributes(stack, "Old", table_arn=SOURCE_ARN, table_stream_arn=stream)


def v2_by_name(stack: Stack) -> dynamodb.ITable:
    return dynamodb.TableV2.from_table_name(stack, "Old", "orders")


@pytest.mark.parametrize(
    ("make", "arn"),
    [
        (lambda stack: dynamodb.Table(stack, "Old", partition_key=ID), "<Old.Arn>"),
        (table_v2, "<Old.Arn>"),
        (by_arn, SOURCE_ARN),
        (by_name, BY_NAME),
        (by_attributes, SOURCE_ARN),
        (v2_by_name, BY_NAME),
    ],
    ids=["Table", "TableV2", "by ARN", "by name", "by attributes", "TableV2 by name"],
)
def test_kinds_of_tables(make: Any, arn: str) -> None:
    stack = new_stack()
    migrate(stack, source_table=make(stack), destination_table=destination(stack, "New"))
    template = template_of(stack)
    assert plain(environment(template, "WriteCdc"))["SOURCE_TABLE"] == arn
    assert ("DirectMigrationJobRole", arn) in granted(template, "dynamodb:Scan")
    # Whatever stream an import names: it may be replaced before the migration starts, so any is looked for.
    assert granted(template, "dynamodb:GetRecords") == {
        (role, f"{arn}/stream/*") for role in ("StreamProcessorRole", "CutOverRole")
    }


def test_table_v2_as_destination() -> None:
    stack = new_stack()
    migrate(stack, destination_table=dynamodb.TableV2(stack, "New", partition_key=ID))
    assert granted(template_of(stack), "dynamodb:PutItem") == {("WriteCdcRole", "<New.Arn>")}


def test_tables_of_another_stack() -> None:
    app = App(analytics_reporting=False)
    tables, stack = Stack(app, "Tables"), Stack(app, "Orders")
    migrate(stack, source_table=destination(tables, "Old"), destination_table=destination(tables, "New"))
    told = plain(environment(template_of(stack), "WriteCdc"))
    assert told["SOURCE_TABLE"].startswith("<imported Tables:")
    assert len(template_of(tables)["Resources"]) == 2


def test_tables_of_a_stack_that_nobody_holds() -> None:
    app = App(analytics_reporting=False)
    new = destination(Stack(app, "Tables", env=Environment(region="us-east-1", account="123456789012")), "New")
    gc.collect()
    stack = Stack(app, "Orders", env=Environment(region="us-east-1", account="123456789012"))
    assert migrate(stack, destination_table=new).migration_name == "Orders/OrdersMigration"


def granted(template: dict[str, Any], action: str) -> set[tuple[str, str]]:
    return {
        (role, resource)
        for role, statement in statements(template)
        if action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }


def key_actions(template: dict[str, Any], key: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for role, statement in statements(template):
        if key in as_list(statement["Resource"]):
            found.setdefault(role, set()).update(as_list(statement["Action"]))
    return found


@pytest.fixture(scope="module")
def with_keys() -> dict[str, Any]:
    stack = new_stack()
    keys = {role: kms.Key(stack, f"{role}Key") for role in ("Old", "New")}
    tables = {role: destination(stack, role, encryption_key=key) for role, key in keys.items()}
    migrate(stack, source_table=tables["Old"], destination_table=tables["New"])
    return template_of(stack)


def test_who_reads_the_source_may_decrypt_it(with_keys: dict[str, Any]) -> None:
    readers = ["SetupCheck", "StreamProcessor", "WriteCdc", "EnableTrigger", "CutOver"]
    readers += ["DirectMigrationJob", "LargeMigrationJob", "VerifyJob"]
    assert key_actions(with_keys, "<OldKey.Arn>") == {f"{role}Role": READING for role in readers}


def test_who_writes_the_destination_may_encrypt_it(with_keys: dict[str, Any]) -> None:
    writers = ["SetupCheck", "WriteCdc", "DirectMigrationJob", "LargeMigrationJob"]
    assert key_actions(with_keys, "<NewKey.Arn>") == {
        **{f"{role}Role": WRITING for role in writers},
        **{f"{role}Role": READING for role in ("EnableTrigger", "CutOver", "VerifyJob")},
    }


def test_keys_of_imported_tables() -> None:
    stack = new_stack()
    key = kms.Key.from_key_arn(stack, "Key", KEY_ARN)
    table = dynamodb.Table.from_table_attributes(stack, "Old", table_arn=SOURCE_ARN, encryption_key=key)
    migrate(stack, source_table=table)
    assert key_actions(template_of(stack), KEY_ARN)["DirectMigrationJobRole"] == READING
