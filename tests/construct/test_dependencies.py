"""In what order CloudFormation creates and removes: no circle, and the custom resource last and first."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import TopologicalSorter
from typing import Any

import pytest
from aws_cdk import aws_kms as kms

from tests.construct.stacks import default_template, destination, migrate, new_stack, short, template_of

CUSTOM = "Custom::DynamoDbTableMigration"


@pytest.fixture(scope="module", params=["defaults", "customer key"])
def template(request: pytest.FixtureRequest) -> dict[str, Any]:
    if request.param == "defaults":
        return default_template()
    stack = new_stack()
    key = kms.Key(stack, "Key")
    old, new = (destination(stack, role, encryption_key=key) for role in ("source", "destination"))
    migrate(stack, encryption_key=key, source_table=old, destination_table=new)
    return template_of(stack)


def needs(template: dict[str, Any]) -> dict[str, set[str]]:
    """What each resource needs: what it refers to, and what it is told to wait for."""
    resources = template["Resources"]
    return {id: set(references(found)) & set(resources) for id, found in resources.items()}


def references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for entry in value:
            yield from references(entry)
    elif isinstance(value, dict):
        for name, entry in value.items():
            if name == "Ref":
                yield entry
            elif name == "Fn::GetAtt":
                yield entry[0]
            elif name == "DependsOn":
                yield from [entry] if isinstance(entry, str) else entry
            elif name == "Fn::Sub":
                yield from (part.split("}")[0].split(".")[0] for part in str(entry).split("${")[1:])
            yield from references(entry)


def closure(graph: dict[str, set[str]], start: str) -> set[str]:
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        for needed in graph[waiting.pop()] - reached:
            reached.add(needed)
            waiting.append(needed)
    return reached


def custom_resource(template: dict[str, Any]) -> str:
    (found,) = [id for id, resource in template["Resources"].items() if resource["Type"] == CUSTOM]
    return found


def test_no_circular_dependency(template: dict[str, Any]) -> None:
    # Raises CycleError with the circle.
    assert list(TopologicalSorter(needs(template)).static_order())


def test_custom_resource_is_created_after_all_that_is_the_migrations(template: dict[str, Any]) -> None:
    """And so, as CloudFormation removes in the opposite order, removed before any of it."""
    graph = needs(template)
    custom = custom_resource(template)
    others = {id for id in graph if short(id).lower().startswith(("source", "destination", "ddbmigrationdashboard"))}
    assert closure(graph, custom) >= set(graph) - {custom} - others


def test_clean_up_keeps_its_permissions_until_it_has_ended(template: dict[str, Any]) -> None:
    needed = {short(id) for id in closure(needs(template), custom_resource(template))}
    policies = {"ExecutionAccessDescribe", "ExecutionAccessStop"}
    assert needed >= {"CleanUpFunction", "CleanUpRole", *policies, "Logs", "MigrationBucketPolicy"}


def test_rights_are_in_their_roles(template: dict[str, Any]) -> None:
    """But for those that name the state machine, which needs the roles: see ExecutionAccess."""
    beside = {short(id) for id, found in template["Resources"].items() if found["Type"] == "AWS::IAM::Policy"}
    assert beside == {"ExecutionAccessDescribe", "ExecutionAccessStop"}
    roles = [found["Properties"] for found in template["Resources"].values() if found["Type"] == "AWS::IAM::Role"]
    assert all(len(role["Policies"]) == 1 and role["Policies"][0]["PolicyDocument"]["Statement"] for role in roles)


def test_nothing_waits_for_the_custom_resource(template: dict[str, Any]) -> None:
    custom = custom_resource(template)
    assert not [id for id, needed in needs(template).items() if custom in needed]


def test_mapped_functions_are_usable_before_anything_may_run(template: dict[str, Any]) -> None:
    """A state machine that could be started before the roles and their rights exist would fail for no reason."""
    graph = needs(template)
    machine = next(id for id in graph if short(id) == "MigrateStateMachine")
    reached = {short(id) for id in closure(graph, machine)}
    assert reached >= {
        *("SetupCheckRole", "EnableTriggerRole", "MigrateStateMachineRole"),
        *("StreamProcessorRole", "WriteCdcRole", "ChangeQueue", "ControlTable"),
        *("DirectMigrationJob", "LargeMigrationJob", "VerifyJob"),
    }
