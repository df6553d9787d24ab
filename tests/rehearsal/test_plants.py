"""Planted faults fit the functions as they are now; what does not fit fails loudly."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest

from ddb_migration_construct._assets import assets_root
from ddb_migration_construct.cli.rehearse import PlantedFault
from ddb_migration_construct.rehearsal.plants import PLANTS, PlantNotPossible, plant


@pytest.fixture
def assembly(tmp_path: Path) -> Path:
    """An assembly with the assets of the two functions that plants change."""
    for number, name in enumerate(("stream_processor", "write_cdc")):
        shutil.copytree(assets_root() / "lambda" / name, tmp_path / f"asset.{number}" / name)
    return tmp_path


@pytest.mark.parametrize("name", sorted(PLANTS))
def test_a_plant_changes_each_of_its_files_and_leaves_python(assembly: Path, name: str) -> None:
    before = {path: path.read_text() for path in assembly.glob("asset.*/*/*.py")}
    plant(assembly, name)
    changed = {path for path, text in before.items() if path.read_text() != text}
    assert len(changed) == len({change.path for change in PLANTS[name]})
    for path in changed:
        ast.parse(path.read_text())


def test_every_plant_is_an_option() -> None:
    assert {fault.value for fault in PlantedFault} == PLANTS.keys()


def test_fails_when_the_line_is_gone(assembly: Path) -> None:
    (source,) = assembly.glob("asset.*/write_cdc/apply.py")
    source.write_text("")
    with pytest.raises(PlantNotPossible, match=r"'write_cdc/apply.py' does not hold .* exactly once"):
        plant(assembly, "acknowledge-unwritten")


def test_fails_when_the_function_is_gone(tmp_path: Path) -> None:
    with pytest.raises(PlantNotPossible, match="holds 0 files 'write_cdc/apply.py'"):
        plant(tmp_path, "acknowledge-unwritten")
