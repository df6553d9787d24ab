from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from ddb_migration.core.given_key import NotAKey, require_key
from ddb_migration.core.item_key import canonical_key, key_of_canonical
from tests.core.strategies import keys

SCHEMA = (("id", "HASH", "N"), ("at", "RANGE", "B"))


def key(number: Any = "1", binary: Any = "AA==") -> dict[str, Any]:
    return {"id": {"N": number}, "at": {"B": binary}}


@pytest.mark.parametrize("number", ["1", "-0", "1E5", "0.10", "9" * 38])
def test_a_key_of_the_table_is_taken_as_it_is(number: str) -> None:
    assert require_key(key(number), SCHEMA) == key(number)


@pytest.mark.parametrize(
    "wrong",
    [key("one"), key("NaN"), key("Infinity"), key(""), key(1), key(binary="ä"), key(binary="AA="), {"id": {"N": "1"}}],
)
def test_another_is_refused_with_what_a_key_looks_like(wrong: dict[str, Any]) -> None:
    with pytest.raises(NotAKey, match=r'its keys look like \{"id": \{"N": "1"\}, "at": \{"B": "base64"\}\}'):
        require_key(wrong, SCHEMA)


@given(keys)
def test_the_canonical_form_tells_the_key(given_key: dict[str, Any]) -> None:
    assert canonical_key(key_of_canonical(canonical_key(given_key))) == canonical_key(given_key)
