"""What the user has set up for AWS is no matter to a rehearsal."""

from __future__ import annotations

from pathlib import Path

import pytest

from ddb_migration_construct.rehearsal.embedded import EmbeddedAws


@pytest.mark.parametrize(
    "variables",
    [
        {"AWS_PROFILE": "one that is not here"},
        {"AWS_CONFIG_FILE": "broken", "AWS_SHARED_CREDENTIALS_FILE": "broken"},
        {"AWS_ENDPOINT_URL": "https://example.com", "AWS_ACCESS_KEY_ID": "real", "AWS_SESSION_TOKEN": "real"},
        {"HTTP_PROXY": "http://proxy.example.com:3128", "NO_PROXY": ""},
    ],
)
def test_a_client_has_the_rehearsals_address_and_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    (tmp_path / "broken").write_text("[default")
    monkeypatch.chdir(tmp_path)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    aws = EmbeddedAws(tmp_path)
    aws.url = "http://127.0.0.1:9"
    client = aws.client("sts")
    # The client's signer is botocore's own; nothing public tells a client's credentials.
    found = client._request_signer._credentials
    assert (client.meta.endpoint_url, client.meta.config.proxies) == (aws.url, {})
    assert (found.access_key, found.secret_key, found.token) == ("rehearsal", "rehearsal", None)
