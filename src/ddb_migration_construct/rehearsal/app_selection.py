"""What of a team's app one migration needs: its construct, the tables it names, and what these refer to."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Any

from ddb_migration_construct._runtime import names
from ddb_migration_construct.rehearsal.cloud_assembly import AssemblyStack
from ddb_migration_construct.rehearsal.template_references import (
    dependencies,
    dynamic_parameters,
    imports,
    logical_ids,
)

MIGRATION_TYPE = "Custom::DynamoDbTableMigration"
SSM_PARAMETER_TYPE = "AWS::SSM::Parameter"
SSM_VALUE = "AWS::SSM::Parameter::Value<"
_FUNCTION_TYPE = "AWS::Lambda::Function"
_NESTED_STACK_TYPE = "AWS::CloudFormation::Stack"
_CUSTOM_TYPES = ("Custom::", "AWS::CloudFormation::CustomResource")


class AppNotRehearsable(Exception):
    """The app has nothing to rehearse, or something in it can only be known on AWS."""


@dataclass(frozen=True)
class AppMigration:
    """A migration of the app: its name, its stack, and the logical id of its custom resource."""

    name: str
    stack: AssemblyStack
    logical_id: str


@dataclass
class Selection:
    """What is deployed of each stack: resources, parameters and exported outputs by the stack's name.

    `stacks` are in the order in which they can be deployed; `exports` and `parameters` are the names of what lies
    outside the app: exports of other stacks, and entries of Parameter Store.
    """

    stacks: list[AssemblyStack] = field(default_factory=list)
    resources: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    template_parameters: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    outputs: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    exports: set[str] = field(default_factory=set)
    parameters: set[str] = field(default_factory=set)


def migrations_of(stacks: Sequence[AssemblyStack]) -> list[AppMigration]:
    """Return the migrations of an app.

    Raises AppNotRehearsable when there is none.
    """
    found = [
        AppMigration(_name(stack, resource), stack, logical_id)
        for stack in stacks
        for logical_id, resource in stack.resources.items()
        if resource["Type"] == MIGRATION_TYPE
    ]
    if not found:
        raise AppNotRehearsable(_none_found(stacks))
    return found


def _none_found(stacks: Sequence[AssemblyStack]) -> str:
    listed = ", ".join(sorted(stack.name for stack in stacks)) or "none"
    nested = any(_holds_nested_migration(stack) for stack in stacks)
    if nested:
        return (
            "the app's migrations lie in nested stacks, which a rehearsal does not deploy; put each "
            "DynamoDbTableMigration into a stack of its own beside the tables' stack"
        )
    return (
        f"the app has no DynamoDbTableMigration; its stacks are: {listed}. Give the command that synthesises the "
        'app with the migration in it, in the folder where `cdk synth` works, such as --app "python app.py"'
    )


def _holds_nested_migration(stack: AssemblyStack) -> bool:
    nested = stack.folder.glob("*.nested.template.json")
    return any(MIGRATION_TYPE in path.read_text("utf-8") for path in nested)


def _name(stack: AssemblyStack, resource: Mapping[str, Any]) -> str:
    """Return the migration's name, which its function CleanUp is told."""
    (service, *_) = logical_ids(resource["Properties"]["ServiceToken"])
    return str(_variables(stack.resources[service])[names.MIGRATION_NAME])


def _variables(function: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = function.get("Properties", {}).get("Environment", {}).get("Variables", {})
    return found


def named_tables(stack: AssemblyStack, logical_id: str) -> list[Any]:
    """Return the values, as the template has them, by which a migration names its two tables."""
    (service, *_) = logical_ids(stack.resources[logical_id]["Properties"]["ServiceToken"])
    variables = _variables(stack.resources[service])
    return [variables[name] for name in (names.SOURCE_TABLE, names.DESTINATION_TABLE)]


def select(migration: AppMigration, stacks: Sequence[AssemblyStack]) -> Selection:
    """Return what the migration needs of the stacks that would be deployed where it is.

    Raises AppNotRehearsable when it needs what only AWS can tell.
    """
    here = [stack for stack in stacks if stack.environment == migration.stack.environment]
    return _Selector(migration, here).selected()


class _Selector:
    """Follows references, from the migration's custom resource on, through all stacks."""

    def __init__(self, migration: AppMigration, stacks: Sequence[AssemblyStack]) -> None:
        self.selection = Selection()
        self._migration = migration
        self._stacks = {stack.name: stack for stack in stacks}
        self._exports = dict(_exports(stacks))
        self._parameters = dict(_parameters(stacks))
        # By the name of a stack, those that must be there before it.
        self._needed: dict[str, set[str]] = {}

    def selected(self) -> Selection:
        """Follow everything, and put the stacks into order."""
        self.keep(self._migration.stack, self._migration.logical_id)
        for name in list(self._needed):
            self._follow(self._stacks[name], self._stacks[name].template.get("Conditions", {}))
        self.selection.stacks = [self._stacks[name] for name in TopologicalSorter(self._needed).static_order()]
        return self.selection

    def keep(self, stack: AssemblyStack, logical_id: str) -> None:
        """Keep a resource or parameter of the stack, and what it refers to."""
        if logical_id.startswith("AWS::") or logical_id in self._kept(stack):
            return
        if logical_id in stack.resources:
            self._keep_resource(stack, logical_id)
        elif logical_id in stack.template.get("Parameters", {}):
            self._keep_parameter(stack, logical_id)

    def _kept(self, stack: AssemblyStack) -> set[str]:
        return self.selection.resources[stack.name] | self.selection.template_parameters[stack.name]

    def _keep_resource(self, stack: AssemblyStack, logical_id: str) -> None:
        resource = stack.resources[logical_id]
        if not can_be_created(resource):
            raise AppNotRehearsable(self._only_on_aws(stack, logical_id, resource["Type"]))
        self.selection.resources[stack.name].add(logical_id)
        self._needed.setdefault(stack.name, set())
        self._follow(stack, resource.get("Properties", {}))
        for needed in dependencies(resource):
            if can_be_created(stack.resources[needed]):
                self.keep(stack, needed)

    def _keep_parameter(self, stack: AssemblyStack, name: str) -> None:
        parameter = stack.template["Parameters"][name]
        if "Default" not in parameter:
            raise AppNotRehearsable(
                f"the migration {self._migration.name} needs the parameter {name} of the stack {stack.name}, which "
                "has no default; give it one in the app, for example that of your account"
            )
        self.selection.template_parameters[stack.name].add(name)
        if parameter["Type"].startswith(SSM_VALUE):
            self._keep_entry(stack, parameter["Default"])

    def _follow(self, stack: AssemblyStack, value: Any) -> None:
        for logical_id in logical_ids(value):
            self.keep(stack, logical_id)
        for name in imports(value):
            self._keep_export(stack, name)
        for name in dynamic_parameters(value):
            self._keep_entry(stack, name)

    def _keep_export(self, stack: AssemblyStack, name: Any) -> None:
        if not isinstance(name, str):
            raise AppNotRehearsable(
                f"the migration {self._migration.name} imports, in the stack {stack.name}, an export whose name is "
                f"only known on AWS: {json.dumps(name)}; write its name out"
            )
        if name not in self._exports:
            self.selection.exports.add(name)
            return
        exporting, output = self._exports[name]
        self.selection.outputs[exporting.name].add(output)
        self._follow(exporting, exporting.template["Outputs"][output]["Value"])
        self._need(stack, exporting)

    def _keep_entry(self, asking: AssemblyStack, name: str) -> None:
        if name not in self._parameters:
            self.selection.parameters.add(name)
            return
        stack, logical_id = self._parameters[name]
        self.keep(stack, logical_id)
        self._need(asking, stack)

    def _need(self, stack: AssemblyStack, needed: AssemblyStack) -> None:
        if stack is not needed:
            self._needed.setdefault(stack.name, set()).add(needed.name)
            self._needed.setdefault(needed.name, set())

    def _only_on_aws(self, stack: AssemblyStack, logical_id: str, kind: str) -> str:
        what = "an output of the nested stack" if kind == _NESTED_STACK_TYPE else f"what {kind} answers:"
        return (
            f"the migration {self._migration.name} refers to {what} {logical_id} in the stack {stack.name}, which is "
            "only known on AWS; for a rehearsal name the table, key or role by a text, such as "
            'Table.from_table_name(self, "Source", "orders")'
        )


def can_be_created(resource: Mapping[str, Any]) -> bool:
    """Tell whether a rehearsal creates resources of this type: none behind which there is code of others."""
    kind = str(resource["Type"])
    return kind == MIGRATION_TYPE or not (kind.startswith(_CUSTOM_TYPES) or kind == _NESTED_STACK_TYPE)


def _exports(stacks: Sequence[AssemblyStack]) -> Iterator[tuple[str, tuple[AssemblyStack, str]]]:
    for stack in stacks:
        for output, content in stack.template.get("Outputs", {}).items():
            name = content.get("Export", {}).get("Name")
            if isinstance(name, str):
                yield name, (stack, output)


def _parameters(stacks: Sequence[AssemblyStack]) -> Iterator[tuple[str, tuple[AssemblyStack, str]]]:
    for stack in stacks:
        for logical_id, resource in stack.resources.items():
            name = resource.get("Properties", {}).get("Name")
            if resource["Type"] == SSM_PARAMETER_TYPE and isinstance(name, str):
                yield name, (stack, logical_id)


def left_out(stacks: Sequence[AssemblyStack], selections: Iterable[Selection]) -> list[str]:
    """Return the resources that none of the selections holds, each as "Stack: path or id (type)"."""
    kept = list(selections)
    return [
        f"{stack.name}: {_place(stack, logical_id, resource)} ({resource['Type']})"
        for stack in stacks
        for logical_id, resource in stack.resources.items()
        if resource["Type"] != "AWS::CDK::Metadata"
        and not any(stack in one.stacks and logical_id in one.resources[stack.name] for one in kept)
    ]


def _place(stack: AssemblyStack, logical_id: str, resource: Mapping[str, Any]) -> str:
    """Return the construct's path where the template has it, without the stack and the last, fixed part."""
    path = str(resource.get("Metadata", {}).get("aws:cdk:path", logical_id))
    return path.removeprefix(f"{stack.name}/").removesuffix("/Resource")
