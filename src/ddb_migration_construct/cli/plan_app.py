"""The migrations of a CDK app, as it would deploy them: their tables and props, read from the templates."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import typer
from botocore.exceptions import ClientError

from ddb_migration.core.place import Place
from ddb_migration_construct._runtime import names
from ddb_migration_construct.cli.failures import CommandFailed
from ddb_migration_construct.cli.plan_look import Wishes
from ddb_migration_construct.rehearsal.app_selection import AppMigration, AppNotRehearsable, migrations_of, named_tables
from ddb_migration_construct.rehearsal.cloud_assembly import AssemblyMissing, AssemblyStack, read_stacks
from ddb_migration_construct.rehearsal.synthesis import SynthesisFailed
from ddb_migration_construct.rehearsal.team_app import app_synthesis

Found = tuple[str, str, str, Wishes]
# The CDK's words for what a stack leaves to whoever deploys it.
_UNKNOWN_ACCOUNT, _UNKNOWN_REGION = "unknown-account", "unknown-region"


def pairs_of(client: Callable[[str], Any], command: str, wanted: str | None) -> list[Found]:
    """Return name, tables and props of the app's migrations of this account and Region, or of the one wanted.

    Raises CommandFailed when the app has no such migration, or a table has no name before it is deployed.
    """
    caller = Place.of(str(client("sts").get_caller_identity()["Arn"]))
    home = Place(caller.partition, str(client("dynamodb").meta.region_name), caller.account)
    stacks = _synthesised(command, home.account, home.region)
    migrations = [one for one in _migrations(stacks) if wanted in (None, one.name)]
    if not migrations:
        raise CommandFailed(f"the app has no migration {wanted!r}")
    resolve = Names(stacks, client("cloudformation"), home)
    return [_pair(one, resolve) for one in of_here(migrations, home)]


def of_here(migrations: Sequence[AppMigration], home: Place) -> list[AppMigration]:
    """Return those whose stacks would be deployed here, or wherever the app is; the others are named.

    Tables of the same names may be here too, and a plan of those would be taken for theirs. Raises CommandFailed when
    none is of here.
    """
    here = [one for one in migrations if _is_of(home, one.stack.environment)]
    others = "".join(f"\n  {one.name}: {one.stack.environment}" for one in migrations if one not in here)
    told = f"not planned, since this is {home} (AWS_PROFILE and AWS_REGION say which):{others}"
    if not here:
        raise CommandFailed(told)
    if others:
        typer.echo(told, err=True)
    return here


def _is_of(home: Place, environment: str) -> bool:
    account, _, region = environment.removeprefix("aws://").partition("/")
    return account in (home.account, _UNKNOWN_ACCOUNT) and region in (home.region, _UNKNOWN_REGION)


def _synthesised(command: str, account: str, region: str) -> list[AssemblyStack]:
    with TemporaryDirectory(prefix="ddb-migration-plan-") as folder:
        try:
            with app_synthesis(command, Path(folder), account, region) as synthesis:
                synthesis.wait()
                return read_stacks(synthesis.assembly)
        except (SynthesisFailed, AssemblyMissing) as failed:
            raise CommandFailed(str(failed)) from failed


def _migrations(stacks: Sequence[AssemblyStack]) -> list[AppMigration]:
    try:
        return migrations_of(stacks)
    except AppNotRehearsable as nothing:
        raise CommandFailed(str(nothing)) from nothing


def _pair(migration: AppMigration, resolve: Names) -> Found:
    source, destination = named_tables(migration.stack, migration.logical_id)
    stack = migration.stack
    return migration.name, resolve.of(stack, source), resolve.of(stack, destination), wishes_of(migration)


def wishes_of(migration: AppMigration) -> Wishes:
    """Return the props, accepted findings among them, as the construct tells them to SetupCheck."""
    text = next(_settings(migration))
    if not isinstance(text, str):
        raise CommandFailed(
            f"the props of {migration.name} hold values that only a deployment knows; plan with --source and "
            "--destination and give them as options"
        )
    told = json.loads(text)
    # What is not told is not set.
    return Wishes(**{name: told[name] for name in Wishes.__dataclass_fields__ if name in told})


def _settings(migration: AppMigration) -> Iterator[Any]:
    for resource in migration.stack.resources.values():
        variables = resource.get("Properties", {}).get("Environment", {}).get("Variables", {})
        if variables.get(names.MIGRATION_NAME) == migration.name and names.SETTINGS in variables:
            yield variables[names.SETTINGS]


@dataclass(frozen=True)
class Names:
    """Writes out the values by which templates name tables, with what is deployed where that is needed."""

    stacks: Sequence[AssemblyStack]
    cloudformation: Any
    home: Place

    def of(self, stack: AssemblyStack, value: Any) -> str:
        """Return a table's name or ARN; raises CommandFailed where only a deployment will know it."""
        if isinstance(value, str):
            return value
        ((function, content),) = value.items()
        if function == "Fn::Join":
            return str(content[0]).join(self.of(stack, part) for part in content[1])
        if function == "Fn::ImportValue":
            return self._imported(content)
        if function in ("Ref", "Fn::GetAtt"):
            return self._named(stack, content if function == "Ref" else content[0])
        raise CommandFailed(
            f"a table is named by {function}, which a plan cannot write out; use --source, --destination"
        )

    def _named(self, stack: AssemblyStack, id: str) -> str:
        home = self.home
        pseudo = {"AWS::Region": home.region, "AWS::AccountId": home.account, "AWS::Partition": home.partition}
        if id in pseudo:
            return pseudo[id]
        given = stack.resources.get(id, {}).get("Properties", {}).get("TableName")
        return given if isinstance(given, str) else self._deployed(stack.name, id)

    def _deployed(self, stack: str, id: str) -> str:
        try:
            found = self.cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=id)
        except ClientError as error:
            raise CommandFailed(
                f"the table {id} of the stack {stack} has no name before it is deployed ({error}); deploy the tables' "
                "stack first, or plan with --source and --destination"
            ) from error
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def _imported(self, name: str) -> str:
        for stack in self.stacks:
            for output in stack.template.get("Outputs", {}).values():
                if output.get("Export", {}).get("Name") == name:
                    return self.of(stack, output["Value"])
        for page in self.cloudformation.get_paginator("list_exports").paginate():
            for export in page["Exports"]:
                if export["Name"] == name:
                    return str(export["Value"])
        raise CommandFailed(f"a table is imported by {name!r}, which nothing in this account and Region exports")
