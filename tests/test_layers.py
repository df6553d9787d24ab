"""Imports of the code that runs in AWS point down only: functions and jobs, then the AWS edge, then the core."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ASSETS = Path(__file__).resolve().parents[1] / "assets"
LAMBDA = ASSETS / "lambda"
SHARED = LAMBDA / "ddb_migration"
FUNCTIONS = sorted(path.parent for path in LAMBDA.glob("*/handler.py"))
JOBS = sorted((ASSETS / "glue").glob("*.py"))

NAMES = ("ddb_migration.names",)
CORE = ("ddb_migration", *NAMES, "ddb_migration.core")
EDGE = (*CORE, "ddb_migration.aws", "boto3", "botocore")
# What an answer of AWS says is judged in functions too; a client is made and used by the edge alone.
FUNCTION = (*CORE, "ddb_migration.aws", "botocore.exceptions")
JOB = (*FUNCTION, "awsglue", "pyspark")


def modules_imported(file: Path, root: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in the file; relative ones by their full name."""
    package = file.relative_to(root).parent.parts
    for node in ast.walk(ast.parse(file.read_text(), str(file))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            # `from ddb_migration import aws` imports a layer as much as `import ddb_migration.aws` does.
            yield from (f"{module}.{alias.name}" for alias in node.names)


def is_within(module: str, allowed: tuple[str, ...]) -> bool:
    """Whether a module is one of those allowed or lies in it; of the shared package only the layers named."""
    if module.split(".")[0] in sys.stdlib_module_names:
        return True
    inside = [name for name in allowed if name != "ddb_migration"]
    return module in allowed or any(module == name or module.startswith(f"{name}.") for name in inside)


def forbidden(files: Iterator[Path] | list[Path], root: Path, allowed: tuple[str, ...]) -> list[str]:
    return [
        f"{file.relative_to(ASSETS)} imports {module}"
        for file in files
        for module in modules_imported(file, root)
        if not is_within(module, allowed)
    ]


def test_there_is_something_to_look_at() -> None:
    assert any((SHARED / "core").glob("*.py"))
    assert any((SHARED / "aws").glob("*.py"))
    assert FUNCTIONS
    assert JOBS


def test_names_import_nothing() -> None:
    assert not list(modules_imported(SHARED / "names.py", LAMBDA))


def test_core_imports_the_standard_library_only() -> None:
    assert not forbidden((SHARED / "core").rglob("*.py"), LAMBDA, CORE)


def test_edge_imports_core_and_boto3_only() -> None:
    assert not forbidden((SHARED / "aws").rglob("*.py"), LAMBDA, EDGE)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda path: path.name)
def test_function_imports_itself_and_what_is_below(function: Path) -> None:
    assert not forbidden(function.rglob("*.py"), LAMBDA, (*FUNCTION, function.name))


@pytest.mark.parametrize("job", JOBS, ids=lambda path: path.name)
def test_job_imports_what_is_below_and_spark(job: Path) -> None:
    assert not forbidden([job], job.parent, JOB)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import ddb_migration.aws.tables", ["ddb_migration.aws.tables"]),
        ("from ddb_migration import aws", ["ddb_migration.aws"]),
        ("from ..aws import tables", ["ddb_migration.aws.tables"]),
        ("from . import lag", []),
        ("def later():\n    import boto3", ["boto3"]),
    ],
)
def test_an_import_upwards_is_seen(tmp_path: Path, source: str, found: list[str]) -> None:
    file = tmp_path / "ddb_migration" / "core" / "planted.py"
    file.parent.mkdir(parents=True)
    file.write_text(source)
    assert [module for module in modules_imported(file, tmp_path) if not is_within(module, CORE)] == found
