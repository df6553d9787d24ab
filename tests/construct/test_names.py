"""The construct tells each function exactly what the function's code asks for."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from ddb_migration import names
from tests.construct.stacks import default_template, environment, properties
from tests.construct.test_state_machine import LAMBDA, modules_behind

GLUE = LAMBDA.parent / "glue"
FUNCTIONS = {
    "SetupCheck": "setup_check",
    "StreamProcessor": "stream_processor",
    "EnableTrigger": "enable_trigger",
    "WriteCdc": "write_cdc",
    "CleanUp": "clean_up",
    "Reread": "reread",
}
# Not the functions' own, but what Environment's properties read on behalf of who uses them.
OF_PROPERTIES = {
    "destination": {"DESTINATION_TABLE"},
    "settings": {"SETTINGS"},
    "fence": {"CONTROL_TABLE", "SOURCE_TABLE"},
    "holder": {"MIGRATION_NAME", "CONTROL_TABLE", "CHANGE_QUEUE_URL", "STREAM_PROCESSOR"},
}
# Told only where the destination lies elsewhere; tests/construct/test_destination.py looks at both.
ELSEWHERE = {"DESTINATION_CALLERS", "DESTINATION_ROLE"}
# Told only where the migration can be rolled back; tests/construct/test_roll_back.py looks at them.
OF_WAY_BACK = {name for name in vars(names) if name.startswith("REVERSE_")}
ENVIRONMENT_FILE = LAMBDA / "ddb_migration" / "aws" / "environment.py"


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return default_template()


def own_modules(folder: str) -> list[Path]:
    """The modules of a function that may read its environment: its own, and none of the shared package."""
    return sorted(
        file
        for file in modules_behind(LAMBDA / folder / "handler.py")
        if file.is_relative_to(LAMBDA / folder) or names_read(file)
    )


def names_read(file: Path) -> set[str]:
    """The environment names that a module reads: `<anything>[names.X]`, and what Environment's properties read."""
    if file == ENVIRONMENT_FILE:
        return set()
    read: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Subscript) and is_name(node.slice):
            read.add(str(getattr(names, node.slice.attr)))  # type: ignore[attr-defined]  # is_name has looked
        if isinstance(node, ast.Attribute) and "nvironment" in ast.unparse(node.value):
            read |= OF_PROPERTIES.get(node.attr, set())
    return read


def names_mentioned(file: Path) -> set[str]:
    """Every name of names.py that a module mentions, by whatever way."""
    nodes = ast.walk(ast.parse(file.read_text()))
    return {node.attr for node in nodes if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "names"}


def is_name(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and ast.unparse(node.value) == "names"


def environment_names() -> set[str]:
    """The names of names.py that are environment variables: those that stand for themselves."""
    return {name for name, value in vars(names).items() if name.isupper() and name == value}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_told_what_it_reads_and_no_more(template: dict[str, Any], function: str) -> None:
    modules = own_modules(FUNCTIONS[function])
    read = {name for file in modules for name in names_read(file)}
    # `environment[name]` with a name held in a variable is read too: setup_check names functions that way.
    read |= {name for file in modules for name in names_mentioned(file)} & environment_names()
    assert read - ELSEWHERE - OF_WAY_BACK == set(environment(template, function))


def test_the_properties_of_the_environment_are_as_listed_here() -> None:
    (cls,) = [
        node
        for node in ast.walk(ast.parse(ENVIRONMENT_FILE.read_text()))
        if isinstance(node, ast.ClassDef) and node.name == "Environment"
    ]
    found = {
        method.name: {
            node.slice.attr
            for node in ast.walk(method)
            if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Attribute) and is_name(node.slice)
        }
        for method in cls.body
        if isinstance(method, ast.FunctionDef)
    }
    assert {name: read for name, read in found.items() if read} == OF_PROPERTIES


@pytest.mark.parametrize(
    ("job", "script"),
    [("DirectMigrationJob", "direct_migration_job.py"), ("LargeMigrationJob", "large_migration_job.py")],
)
def test_a_job_is_given_the_arguments_that_its_script_requires(template: dict[str, Any], job: str, script: str) -> None:
    (call,) = [
        node
        for node in ast.walk(ast.parse((GLUE / script).read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "getResolvedOptions"
    ]
    assert isinstance(call.args[1], ast.List)
    named = {entry.value for entry in call.args[1].elts if isinstance(entry, ast.Constant)}
    from ddb_migration.aws.bulk_load import ARGUMENTS

    assert any(isinstance(entry, ast.Starred) for entry in call.args[1].elts)
    given = {name.removeprefix("--") for name in properties(template, "AWS::Glue::Job", job)["DefaultArguments"]}
    # Glue itself gives the job's name, the state machine the epoch.
    assert (named | set(ARGUMENTS)) - {"JOB_NAME", "epoch"} == {name for name in given if "-" not in name}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_handler_is_where_the_construct_says(template: dict[str, Any], function: str) -> None:
    handler = properties(template, "AWS::Lambda::Function", f"{function}Function")["Handler"]
    module, name = handler.rsplit(".", 1)
    tree = ast.parse(LAMBDA.joinpath(*module.split(".")).with_suffix(".py").read_text())
    assert name in [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]


def test_every_setting_is_known_to_the_functions(template: dict[str, Any]) -> None:
    from ddb_migration.aws.environment import Settings

    text = environment(template, "EnableTrigger")["SETTINGS"]
    assert Settings.from_text(text) == Settings(
        size_threshold_bytes=80 * 2**30,
        enable_source_features=False,
        accepted_findings=(),
        worker_type="G.1X",
        max_workers=4,
        max_apply_concurrency=100,
        max_read_units_per_second=None,
    )
