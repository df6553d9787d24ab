"""What is uploaded for the functions and jobs: their own files and the shared package, and nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack

from ddb_migration_construct import _assets
from tests.construct.stacks import migrate

ASSETS = Path(__file__).resolve().parents[2] / "assets"
FUNCTIONS = ("clean_up", "cut_over", "enable_trigger", "reread", "setup_check", "stream_processor", "write_cdc")
SHARED = "ddb_migration"


@pytest.fixture(scope="module")
def planted() -> Iterator[None]:
    """What a run of a function leaves beside its source."""
    folders = [ASSETS / "lambda" / name / "__pycache__" for name in (*FUNCTIONS, SHARED, f"{SHARED}/core")]
    files = [folder / "planted.cpython-310.pyc" for folder in folders]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"planted")
    yield
    for file in files:
        file.unlink()
        if not any(file.parent.iterdir()):
            file.parent.rmdir()


@pytest.fixture(scope="module")
def assembly(planted: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesise(tmp_path_factory.mktemp("assembly"))


def synthesise(out: Path) -> Path:
    app = App(outdir=str(out), analytics_reporting=False)
    migrate(Stack(app, "Orders"))
    app.synth()
    return out


def staged(assembly: Path) -> dict[str, Any]:
    """The assets by their hash, as the assembly's manifest lists them, without the template itself."""
    files: dict[str, Any] = json.loads((assembly / "Orders.assets.json").read_text())["files"]
    return {hash: entry for hash, entry in files.items() if not entry["source"]["path"].endswith(".template.json")}


def contents(assembly: Path) -> list[dict[str, bytes]]:
    """The files of every asset that is a folder."""
    folders = [assembly / entry["source"]["path"] for entry in staged(assembly).values()]
    return [
        {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
        for folder in folders
        if folder.is_dir()
    ]


def sources(*folders: str) -> dict[str, bytes]:
    root = ASSETS / "lambda"
    return {
        file.relative_to(root).as_posix(): file.read_bytes()
        for folder in folders
        for file in (root / folder).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_holds_its_folder_and_the_shared_package(assembly: Path, function: str) -> None:
    assert sources(function, SHARED) in contents(assembly)


def test_the_jobs_share_the_package(assembly: Path) -> None:
    assert contents(assembly).count(sources(SHARED)) == 1


def test_there_is_no_other_folder(assembly: Path) -> None:
    assert len(contents(assembly)) == len(FUNCTIONS) + 1


def test_no_bytecode_travels(assembly: Path) -> None:
    names = [name for files in contents(assembly) for name in files]
    assert names
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_the_scripts_are_those_of_the_jobs(assembly: Path) -> None:
    scripts = [
        (assembly / entry["source"]["path"]).read_bytes()
        for entry in staged(assembly).values()
        if entry["source"]["packaging"] == "file"
    ]
    assert sorted(scripts) == sorted(file.read_bytes() for file in (ASSETS / "glue").glob("*.py"))


def test_hashes_are_the_same_from_a_copy_elsewhere(
    assembly: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere" / "assets"
    shutil.copytree(ASSETS, elsewhere, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(_assets, "_IN_WHEEL", elsewhere)
    assert _assets.assets_root() == elsewhere
    copy = synthesise(tmp_path / "assembly")
    assert set(staged(copy)) == set(staged(assembly))
    template = "Orders.template.json"
    assert (copy / template).read_bytes() == (assembly / template).read_bytes()
