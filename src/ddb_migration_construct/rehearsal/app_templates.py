"""Making of a team's assembly what the embedded AWS shall deploy for one migration."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ddb_migration_construct.rehearsal.app_selection import AppMigration, Selection, named_tables
from ddb_migration_construct.rehearsal.cloud_assembly import AssemblyStack
from ddb_migration_construct.rehearsal.embedded_aws.settings import ACCOUNT_ID, REGION
from ddb_migration_construct.rehearsal.template_references import IMPORT, dependencies

# A table's ARN, or the start of one.
_TABLE_ARN = re.compile(r"arn:[\w-]+:dynamodb:([\w-]+):(\d{12}):table/")
_ENVIRONMENT = re.compile(r"aws://(\d{12}|[\w-]+)/([\w-]+)")
_UNFIT_FOR_A_TABLE = re.compile(r"[^\w.-]+", re.ASCII)
_TABLE_NAME_CHARACTERS = 200
_UNKNOWN = "unknown-"


def stand_ins(migration: AppMigration, selection: Selection) -> dict[str, str]:
    """Return a value for each export and each entry of Parameter Store that lies outside the app.

    Where a table is named by it alone, that is an ARN, else a text which is good as a table's name.
    """
    tables = named_tables(migration.stack, migration.logical_id)
    parameters = migration.stack.template.get("Parameters", {})
    alone = {_source(value, parameters) for value in tables}
    return {name: _stand_in(name, is_arn=name in alone) for name in selection.exports | selection.parameters}


def _source(value: Any, parameters: Mapping[str, Any]) -> str | None:
    """Return the export or entry of Parameter Store that a value is, if it is nothing more."""
    if isinstance(value, str):
        dynamic = re.fullmatch(r"\{\{resolve:ssm:([^:}]+)(?::\d+)?\}\}", value)
        return dynamic[1] if dynamic else None
    if not isinstance(value, dict):
        return None
    imported, parameter = value.get(IMPORT), parameters.get(str(value.get("Ref")), {})
    return imported if isinstance(imported, str) else parameter.get("Default")


def _stand_in(name: str, *, is_arn: bool) -> str:
    text = _UNFIT_FOR_A_TABLE.sub(".", name).strip(".")[-_TABLE_NAME_CHARACTERS:]
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT_ID}:table/{text}" if is_arn else text


def write_selection(migration: AppMigration, selection: Selection, values: Mapping[str, str]) -> None:
    """Write the templates and lists of assets of the selected stacks anew, in place.

    `values` stand for the exports outside the app. Accounts and Regions become those of the embedded AWS.
    """
    places = set(_places(migration))
    for stack in selection.stacks:
        template = _with_values(_selected(stack, selection), values)
        text = _moved(json.dumps(template), places)
        stack.template_file.write_text(text, "utf-8")
        _write_assets(stack, text, places)


def _selected(stack: AssemblyStack, selection: Selection) -> dict[str, Any]:
    kept, parameters = selection.resources[stack.name], selection.template_parameters[stack.name]
    outputs = selection.outputs[stack.name]
    sections = {
        **{name: stack.template[name] for name in ("Conditions", "Mappings") if name in stack.template},
        "Parameters": {name: one for name, one in stack.template.get("Parameters", {}).items() if name in parameters},
        "Outputs": {name: one for name, one in stack.template.get("Outputs", {}).items() if name in outputs},
    }
    resources = {name: _resource(one, kept) for name, one in stack.resources.items() if name in kept}
    return {"Resources": resources, **{name: section for name, section in sections.items() if section}}


def _resource(resource: dict[str, Any], kept: set[str]) -> dict[str, Any]:
    needed = [name for name in dependencies(resource) if name in kept]
    rest = {name: content for name, content in resource.items() if name != "DependsOn"}
    return {**rest, "DependsOn": needed} if needed else rest


def _with_values(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_with_values(member, values) for member in value]
    if not isinstance(value, dict):
        return value
    imported = value.get(IMPORT)
    if isinstance(imported, str) and imported in values:
        return values[imported]
    return {name: _with_values(content, values) for name, content in value.items()}


def _places(migration: AppMigration) -> Iterator[tuple[str, str]]:
    """Yield the accounts and Regions, together, in which the migration and its tables are."""
    environment = _ENVIRONMENT.fullmatch(migration.stack.environment)
    if environment:
        yield environment[1], environment[2]
    for table in named_tables(migration.stack, migration.logical_id):
        yield from ((account, region) for region, account in _TABLE_ARN.findall(json.dumps(table)))


def _moved(text: str, places: set[tuple[str, str]]) -> str:
    """Put the embedded AWS's account and Region in place of others, in ARNs, host names and bucket names."""
    for account, region in places:
        if not region.startswith(_UNKNOWN):
            text = re.sub(rf"(?<=[:.]){re.escape(region)}(?=[:.])|(?<={account}-){re.escape(region)}", REGION, text)
        if not account.startswith(_UNKNOWN):
            text = re.sub(rf'(?<=[:"-]){account}(?=[:"-])', ACCOUNT_ID, text)
    return text


def _write_assets(stack: AssemblyStack, template: str, places: set[tuple[str, str]]) -> None:
    """Keep the assets that the template names; the others need not even be there."""
    if not stack.assets_file.is_file():
        return
    manifest = json.loads(_moved(stack.assets_file.read_text("utf-8"), places))
    files = manifest.get("files", {})
    manifest["files"] = {
        name: file
        for name, file in files.items()
        if any(destination["objectKey"] in template for destination in file["destinations"].values())
    }
    stack.assets_file.write_text(json.dumps(manifest), "utf-8")
