"""docs/aws-behaviour.md names files, tests, faults and sources that exist."""

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
PAGE = (CHECKOUT / "docs" / "aws-behaviour.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith(("| behaviour", "| ---"))
]
NAMED = sorted(set(re.findall(r"`(tests/[\w/.]+?\.py)(?:::(\w+))?`", PAGE)))
FAULTS = sorted(
    {name for text in re.findall(r"faults? ((?:`[a-z-]+`(?: and )?)+)", PAGE) for name in text.split("`")[1::2]}
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row[0])[:50])
def test_a_row_has_its_source_and_says_where_it_is_shown(row: list[str]) -> None:
    behaviour, source, simulation, embedded = row
    assert behaviour
    assert re.search(r"\[|API|field|measured|inferred|any service|Spark", source)
    assert "`tests/" in simulation or simulation.startswith("not played")
    assert "`tests/" in embedded or embedded == "only AWS can show it"


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_what_a_row_names_exists(file: str, name: str) -> None:
    assert (CHECKOUT / file).is_file()
    assert not name or f"def {name}(" in (CHECKOUT / file).read_text()


@pytest.mark.parametrize("fault", FAULTS)
def test_the_simulation_has_the_fault(fault: str) -> None:
    assert f'"{fault}":' in (CHECKOUT / "tests" / "simulation" / "faults.py").read_text()


def test_every_source_is_defined_and_used() -> None:
    defined = set(re.findall(r"^\[([^]]+)\]: https://docs\.aws\.amazon\.com/", PAGE, re.M))
    used = {name for row in ROWS for name in re.findall(r"\[([^]]+)\]", row[1])}
    assert used == defined


def test_there_is_something_to_look_at() -> None:
    assert len(ROWS) > 50
    assert len(NAMED) > 30
    assert len(FAULTS) > 15
