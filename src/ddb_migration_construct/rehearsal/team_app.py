"""A team's own app as something to rehearse: each of its migrations, with the tables that it names."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ddb_migration_construct._runtime import names
from ddb_migration_construct.cli.migrations import find_migration
from ddb_migration_construct.rehearsal.app_selection import (
    AppMigration,
    AppNotRehearsable,
    left_out,
    migrations_of,
    select,
)
from ddb_migration_construct.rehearsal.app_templates import stand_ins, write_selection
from ddb_migration_construct.rehearsal.bulk_load_choice import choose_bulk_load
from ddb_migration_construct.rehearsal.cloud_assembly import AssemblyMissing, copy_assembly, read_stacks
from ddb_migration_construct.rehearsal.deployed import Deployed
from ddb_migration_construct.rehearsal.deployment import deploy
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from ddb_migration_construct.rehearsal.embedded_aws.settings import ACCOUNT_ID, REGION
from ddb_migration_construct.rehearsal.given_items import read_given_items
from ddb_migration_construct.rehearsal.imported_tables import complete_tables, described, indexed_attributes, shape_of
from ddb_migration_construct.rehearsal.options import RehearsalOptions
from ddb_migration_construct.rehearsal.progress import Progress
from ddb_migration_construct.rehearsal.synthesis import Synthesis
from ddb_migration_construct.toolchain import jsii_environment

_CONTEXT_FILES = ("cdk.json", "cdk.context.json")
# Assets of what is left out need not be bundled, which may take Docker and minutes; the migration's own need not be.
_OWN_CONTEXT = {"aws:cdk:enable-path-metadata": True, "aws:cdk:bundling-stacks": []}


def app_synthesis(command: str, folder: Path, account: str = ACCOUNT_ID, region: str = REGION) -> Synthesis:
    """Return the synthesis of an app by a shell command, with the context that `cdk synth` would give it here.

    By default for the embedded AWS.
    """
    toolchain = {name: value for name, value in jsii_environment().items() if name != "HOME"}
    environment = {
        **os.environ,
        **toolchain,
        "PATH": _path(),
        "CDK_DEFAULT_ACCOUNT": account,
        "CDK_DEFAULT_REGION": region,
    }
    here, shell = Path.cwd(), ("/bin/sh", "-c", command)
    return Synthesis(folder, {**_context(here), **_OWN_CONTEXT}, environment, shell, here)


def _path() -> str:
    """Return the PATH; without an active environment `python` is the one that runs this."""
    path = os.environ.get("PATH", os.defpath)
    return path if "VIRTUAL_ENV" in os.environ else os.pathsep.join([str(Path(sys.executable).parent), path])


def _context(folder: Path) -> dict[str, Any]:
    """Return the context of the folder's cdk.json and cdk.context.json, as the CDK's command line merges them."""
    found: dict[str, Any] = {}
    for name in _CONTEXT_FILES:
        path = folder / name
        content = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        found = {**(content.get("context", {}) if name == "cdk.json" else content), **found}
    return found


class TeamApp:
    """The synthesised app: its migrations, those that were asked for, and what none of them needs."""

    def __init__(self, assembly: Path, wanted: str | None) -> None:
        try:
            self._stacks = read_stacks(assembly)
        except AssemblyMissing as missing:
            raise AppNotRehearsable(
                "the app's command succeeded and wrote no assembly: it must end with app.synth(), and App(...) must "
                "not be given an `outdir` of its own"
            ) from missing
        self.assembly = assembly
        self.migrations = _wanted(migrations_of(self._stacks), wanted)

    @property
    def left_out(self) -> list[str]:
        """What is deployed for none of the migrations, resource by resource."""
        return left_out(self._stacks, [select(migration, self._stacks) for migration in self.migrations])


def _wanted(found: Sequence[AppMigration], wanted: str | None) -> list[AppMigration]:
    chosen = [migration for migration in found if wanted in (None, migration.name)]
    if not chosen:
        listed = ", ".join(sorted(migration.name for migration in found))
        raise AppNotRehearsable(f"the app has no migration {wanted!r}; it has {listed}")
    return chosen


@dataclass(frozen=True)
class TeamMigration:
    """One migration of the app, with one bulk load."""

    assembly: Path
    migration: AppMigration
    mode: str
    chosen: RehearsalOptions

    @property
    def name(self) -> str:
        """The migration's name."""
        return self.migration.name

    def assemble(self, progress: Progress) -> None:
        """Do nothing: the app was synthesised before its migrations were known."""

    def deploy(self, aws: EmbeddedAws, folder: Path) -> Deployed:
        """Deploy what the migration needs of each stack, and make the tables that the app imports."""
        stacks = read_stacks(copy_assembly(self.assembly, folder / "cdk.out"))
        migration = next(one for one in migrations_of(stacks) if _place(one) == _place(self.migration))
        selection = select(migration, stacks)
        values = stand_ins(migration, selection)
        for name in selection.parameters:
            aws.client("ssm").put_parameter(Name=name, Value=values[name], Type="String")
        write_selection(migration, selection, values)
        for stack in selection.stacks:
            choose_bulk_load(stack, self.mode)
            deploy(aws, stack.folder, stack.name)
        return self._deployed(aws, migration)

    def _deployed(self, aws: EmbeddedAws, migration: AppMigration) -> Deployed:
        source, destination = _table_names(aws, migration.stack.name, migration.logical_id)
        can_roll_back = find_migration(aws.client("stepfunctions"), migration.name).can_roll_back
        made = complete_tables(aws.client("dynamodb"), source, destination, self.chosen.key_shape, can_roll_back)
        return Deployed(aws, migration.stack.name, migration.name, source, destination, made)

    def options(self, deployed: Deployed) -> RehearsalOptions:
        """Return the options with the key and indexes of the source, and the items of the file if there is one."""
        table: Mapping[str, Any] = described(deployed.dynamodb, deployed.source) or {}
        shape = shape_of(table)
        file = self.chosen.items_file
        items = read_given_items(file, shape) if file is not None else None
        return replace(self.chosen, key_shape=shape, indexed=indexed_attributes(table), given_items=items)


def _place(migration: AppMigration) -> tuple[str, ...]:
    return migration.stack.environment, migration.stack.name, migration.logical_id


def _table_names(aws: EmbeddedAws, stack_name: str, logical_id: str) -> tuple[str, str]:
    """Return the names of the two tables, as the function behind the custom resource was told them."""
    resource = aws.client("cloudformation").get_template(StackName=stack_name)["TemplateBody"]
    template = json.loads(resource) if isinstance(resource, str) else resource
    service = template["Resources"][logical_id]["Properties"]["ServiceToken"]["Fn::GetAtt"][0]
    function = aws.client("cloudformation").describe_stack_resource(StackName=stack_name, LogicalResourceId=service)
    name = function["StackResourceDetail"]["PhysicalResourceId"]
    told = aws.client("lambda").get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    source, destination = (told[name].rsplit("/", 1)[-1] for name in (names.SOURCE_TABLE, names.DESTINATION_TABLE))
    return source, destination
