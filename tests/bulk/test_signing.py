"""Signatures, byte for byte as botocore makes them."""

from __future__ import annotations

import datetime
from unittest.mock import patch

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from ddb_migration.aws.transport.signing import CONTENT_TYPE, Keys, Signer

letters = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=", min_size=1, max_size=60)
moments = st.integers(1_000_000_000, 4_000_000_000)
hosts = st.sampled_from(
    ["dynamodb.eu-west-1.amazonaws.com", "vpce-1.dynamodb.eu-west-1.vpce.amazonaws.com", "127.0.0.1:4566"]
)


def by_botocore(host: str, keys: Keys, region: str, moment: int, operation: str, body: bytes) -> dict[str, str]:
    scheme = "http" if ":" in host else "https"
    headers = {"Content-Type": CONTENT_TYPE, "X-Amz-Target": f"DynamoDB_20120810.{operation}"}
    request = AWSRequest("POST", f"{scheme}://{host}/", headers=headers, data=body)
    now = datetime.datetime.fromtimestamp(moment, datetime.timezone.utc)
    with patch.object(auth, "get_current_datetime", lambda: now.replace(tzinfo=None)):
        auth.SigV4Auth(Credentials(keys.access_key, keys.secret_key, keys.token), "dynamodb", region).add_auth(request)
    return {name.lower(): str(value) for name, value in request.headers.items()}


def headers_of(head: bytes) -> dict[str, str]:
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST / HTTP/1.1"
    assert lines[-2:] == ["", ""]
    return dict(line.split(": ", 1) for line in lines[1:-2])


@given(hosts, letters, letters, st.none() | letters, moments, st.sampled_from(["Scan", "BatchWriteItem"]), st.binary())
def test_heads_are_signed_as_botocore_signs(
    host: str, access: str, secret: str, token: str | None, moment: int, operation: str, body: bytes
) -> None:
    keys = Keys(access, secret, token)
    ours = headers_of(Signer(host, "eu-west-1", keys, lambda: moment).head(operation, body))
    theirs = by_botocore(host, keys, "eu-west-1", moment, operation, body)
    assert ours["authorization"] == theirs["authorization"]
    assert ours.get("x-amz-security-token") == theirs.get("x-amz-security-token") == token
    assert ours["x-amz-date"] == theirs["x-amz-date"]
    assert (ours["host"], int(ours["content-length"])) == (host, len(body))


@given(st.lists(st.tuples(st.floats(0, 100_000), st.sampled_from(["Scan", "BatchWriteItem"])), max_size=6))
def test_what_is_kept_of_a_second_and_a_day_is_never_old(steps: list[tuple[float, str]]) -> None:
    now = 1_790_000_000.0
    signer = Signer("h", "r", Keys("a", "b"), lambda: now)
    for seconds, operation in steps:
        now += seconds
        fresh = Signer("h", "r", Keys("a", "b"), signer.clock)
        assert signer.head(operation, b"{}") == fresh.head(operation, b"{}")


@pytest.mark.parametrize("skew", [-86_400.0, 300.0])
def test_a_skew_is_added_and_new_keys_are_used_at_once(skew: float) -> None:
    signer = Signer("h", "r", Keys("a", "b"), lambda: 1_790_000_000.0)
    signer.head("Scan", b"{}")
    signer.skew = skew
    signer.use(Keys("c", "d", "t"))
    expected = Signer("h", "r", Keys("c", "d", "t"), lambda: 1_790_000_000.0 + skew)
    assert signer.head("Scan", b"{}") == expected.head("Scan", b"{}")
