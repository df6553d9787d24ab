"""What the tests of the construct share: a stack with one migration in it, and its template in plain words."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any

from aws_cdk import App, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk.assertions import Template
from constructs import Construct

from ddb_migration_construct import DynamoDbTableMigration

MIGRATION = "OrdersMigration"
SOURCE_ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/orders"
_HASH = re.compile(r"[0-9A-F]{8}$")


def new_stack(id: str = "Orders", **props: Any) -> Stack:
    return Stack(App(analytics_reporting=False), id, **props)


def source(scope: Construct, id: str = "Source") -> dynamodb.ITable:
    return dynamodb.Table.from_table_arn(scope, id, SOURCE_ARN)


def destination(scope: Construct, id: str = "Destination", **props: Any) -> dynamodb.Table:
    key = dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING)
    return dynamodb.Table(scope, id, partition_key=key, **props)


def migrate(scope: Construct, id: str = MIGRATION, **props: Any) -> DynamoDbTableMigration:
    """A migration from an imported table into one that is made beside it, unless the props say otherwise."""
    props["source_table"] = props.get("source_table") or source(scope, f"Source{id}")
    props["destination_table"] = props.get("destination_table") or destination(scope, f"Destination{id}")
    return DynamoDbTableMigration(scope, id, **props)


@functools.cache
def default_template() -> dict[str, Any]:
    """The template with the two tables given and nothing else; made once, so not to be changed."""
    return template_with()


def template_with(**props: Any) -> dict[str, Any]:
    """The template of a stack with one migration of these props."""
    stack = new_stack()
    migrate(stack, **props)
    return template_of(stack)


def template_of(stack: Stack) -> dict[str, Any]:
    return dict(Template.from_stack(stack).to_json())


def resources_of(template: dict[str, Any], kind: str) -> dict[str, Any]:
    """The resources of one CloudFormation type, by their short names."""
    return {short(id): found for id, found in template["Resources"].items() if found["Type"] == kind}


def properties(template: dict[str, Any], kind: str, name: str = "") -> dict[str, Any]:
    """The properties of the one resource of a type, or of the one whose short name this is."""
    found = resources_of(template, kind)
    chosen = found[name] if name else _only(found)
    properties: dict[str, Any] = chosen["Properties"]
    return properties


def environment(template: dict[str, Any], function: str) -> dict[str, Any]:
    variables: dict[str, Any] = properties(template, "AWS::Lambda::Function", f"{function}Function")["Environment"][
        "Variables"
    ]
    return variables


def short(logical_id: str) -> str:
    """A logical ID without its hash and without the migration's own name."""
    return _HASH.sub("", logical_id).removeprefix(MIGRATION)


def plain(value: Any) -> Any:
    """A value of a template with its intrinsic functions written out: `<ChangeQueue.Arn>`, `<AWS::Region>`."""
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    written = INTRINSICS.get(next(iter(value), ""))
    return written(next(iter(value.values()))) if written else {name: plain(value[name]) for name in value}


INTRINSICS: dict[str, Callable[[Any], str]] = {
    "Ref": lambda name: f"<{short(name)}>",
    "Fn::GetAtt": lambda parts: f"<{short(parts[0])}.{parts[1]}>",
    "Fn::Join": lambda parts: str(parts[0]).join(str(plain(part)) for part in parts[1]),
    "Fn::Sub": lambda text: str(text).replace("${", "<").replace("}", ">"),
    "Fn::ImportValue": lambda name: f"<imported {plain(name)}>",
}


def statements(template: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of every role's policies, in plain words, with the role's short name."""
    for role, document in documents(template):
        for statement in plain(document["Statement"]):
            yield role, statement


def documents(template: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every inline policy of every role, in it or beside it, with the role's short name."""
    for name, role in resources_of(template, "AWS::IAM::Role").items():
        for policy in role["Properties"].get("Policies", []):
            yield name, policy["PolicyDocument"]
    for policy in resources_of(template, "AWS::IAM::Policy").values():
        for named in plain(policy["Properties"]["Roles"]):
            yield named.strip("<>"), policy["Properties"]["PolicyDocument"]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _only(found: dict[str, Any]) -> Any:
    assert len(found) == 1, sorted(found)
    return next(iter(found.values()))
