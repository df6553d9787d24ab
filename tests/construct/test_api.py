"""Nothing that teams build on changes unannounced."""

from __future__ import annotations

from tests.construct.api import API, listing


def test_the_api_is_as_it_was() -> None:
    assert listing() == API.read_text(), (
        "the API changes: tell it in CHANGELOG.md, then .venv/bin/python -m tests.construct.snapshots"
    )


def test_the_listing_tells_of_props_properties_and_commands() -> None:
    lines = API.read_text().splitlines()
    assert any(line.startswith("  prop source_table:") for line in lines)
    assert any(line.startswith("  property state_machine ->") for line in lines)
    assert "ddb-migration start" in lines
