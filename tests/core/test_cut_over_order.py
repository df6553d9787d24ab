from __future__ import annotations

from typing import Any

import pytest

from ddb_migration.core.cut_over_order import FENCED, UNFENCED, CutOverOrder, NotAnOrder


@pytest.mark.parametrize("order", [CutOverOrder(), CutOverOrder(UNFENCED, 600, "group", "by-hand-1", "arn:ann")])
def test_an_order_survives_the_way_through_the_state_machine(order: CutOverOrder) -> None:
    assert CutOverOrder.of(order.as_json()) == order


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({}, "form"),
        ({"form": "half", "timeout_seconds": 180}, "'half'"),
        ({"form": FENCED}, "timeout_seconds"),
        ({"form": FENCED, "timeout_seconds": 59}, "59"),
        ({"form": FENCED, "timeout_seconds": 3601}, "3601"),
        ({"form": FENCED, "timeout_seconds": "180"}, "'180'"),
        ({"form": FENCED, "timeout_seconds": 180, "group": 1}, "group"),
        ({"form": FENCED, "timeout_seconds": 180, "accepted_sample": "p"}, "'p' and 'accepted_by' is None"),
        ({"form": FENCED, "timeout_seconds": 180, "accepted_by": "ann"}, "'accepted_sample' is None"),
        ({"form": FENCED, "timeout_seconds": 180, "accepted_sample": True, "accepted_by": "ann"}, "True"),
        ({"form": FENCED, "timeout_seconds": 180, "accepted_sample": "", "accepted_by": "ann"}, "''"),
    ],
)
def test_what_is_no_order_is_refused_in_words(given: dict[str, Any], what: str) -> None:
    with pytest.raises(NotAnOrder, match=what):
        CutOverOrder.of(given)
