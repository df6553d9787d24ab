from __future__ import annotations

from typing import Any

import pytest

from ddb_migration.core.stream_record import is_expiry


@pytest.mark.parametrize(
    ("who", "expired"),
    [
        ({"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}, True),
        ({"type": "Service", "principalId": "dynamodb.amazonaws.com"}, True),
        ({"type": "Service", "principalId": "other.amazonaws.com"}, False),
        ({"type": "AssumedRole", "principalId": "dynamodb.amazonaws.com"}, False),
        (None, False),
    ],
)
def test_only_dynamodbs_own_deletions_are_expiry(who: Any, expired: bool) -> None:
    assert is_expiry({"userIdentity": who}) is expired
    assert not is_expiry({})
