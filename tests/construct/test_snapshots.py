"""Logical IDs are API, and no other change of the template goes unseen."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.construct.snapshots import LOGICAL_IDS, TEMPLATE, as_text, logical_ids, scrubbed
from tests.construct.stacks import default_template, template_with

RENEW = "if that is meant: .venv/bin/python -m tests.construct.snapshots"


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return default_template()


def test_logical_ids_stay(template: dict[str, Any]) -> None:
    golden, found = json.loads(LOGICAL_IDS.read_text()), logical_ids(template)
    gone = {id: kind for id, kind in golden.items() if found.get(id) != kind}
    assert not gone, f"these would be removed or replaced under a running migration; {RENEW}"
    assert set(found) == set(golden), f"new resources; {RENEW}"


def test_template_is_as_it_was(template: dict[str, Any]) -> None:
    golden, found = json.loads(TEMPLATE.read_text()), scrubbed(template)
    changed = [id for id in found["Resources"] if found["Resources"][id] != golden["Resources"].get(id)]
    assert not changed, f"changed: {changed}; {RENEW}"
    assert found == golden, RENEW


def test_a_hash_is_scrubbed_and_nothing_else() -> None:
    digest = "0123456789abcdef" * 4
    assert scrubbed({"S3Key": f"{digest}.zip", "Id": "Logs29E53105"}) == {"S3Key": "<hash>.zip", "Id": "Logs29E53105"}


def test_synthesis_is_repeatable(template: dict[str, Any]) -> None:
    # Hashes of assets are compared by test_assets.
    assert as_text(scrubbed(template_with())) == as_text(scrubbed(template))
