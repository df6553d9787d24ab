"""Endpoint, Region, credentials: what botocore would use, and what it alone can do."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.config import Config

from ddb_migration.aws.transport.endpoint import Endpoint, UnknownSetUp, resolve
from ddb_migration.aws.transport.signing import Keys

TABLE = "arn:aws:dynamodb:eu-west-1:111111111111:table/t"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


def found(region: str = "eu-west-1", **given: Any) -> Endpoint:
    client = boto3.client(
        "dynamodb", region, aws_access_key_id="a", aws_secret_access_key="b", aws_session_token="t", **given
    )
    return resolve(client, TABLE.replace("eu-west-1", region))


@pytest.mark.parametrize(("region", "ending"), [("eu-west-1", "amazonaws.com"), ("cn-north-1", "amazonaws.com.cn")])
def test_a_regions_endpoint_or_an_accounts(region: str, ending: str) -> None:
    """Which of the two depends on botocore: newer ones take the account from the table's ARN."""
    endpoint = found(region)
    assert endpoint.host in (f"dynamodb.{region}.{ending}", f"111111111111.ddb.{region}.{ending}")
    assert (endpoint.port, endpoint.host_header, endpoint.region) == (443, endpoint.host, region)
    assert endpoint.keys() == Keys("a", "b", "t")
    assert endpoint.tls() is not None


def test_fips() -> None:
    assert found("us-east-1", config=Config(use_fips_endpoint=True)).host == "dynamodb-fips.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("url", "host_header", "port"),
    [
        ("http://127.0.0.1:4566", "127.0.0.1:4566", 4566),
        ("https://vpce-1.dynamodb.eu-west-1.vpce.amazonaws.com", "vpce-1.dynamodb.eu-west-1.vpce.amazonaws.com", 443),
    ],
)
def test_an_endpoint_of_ones_own(monkeypatch: pytest.MonkeyPatch, url: str, host_header: str, port: int) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    endpoint = found()
    assert (endpoint.host_header, endpoint.port) == (host_header, port)
    assert (endpoint.tls() is None) == url.startswith("http:")


def test_nothing_is_sent_and_the_client_still_works_afterwards() -> None:
    sent: list[Any] = []
    client = boto3.client("dynamodb", "eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    resolve(client, TABLE)
    client.meta.events.register_first("before-send.dynamodb.DescribeTable", lambda request, **_: sent.append(request))
    client._endpoint.http_session.send = lambda request: pytest.fail("sent")
    with pytest.raises(BaseException, match="sent"):
        client.describe_table(TableName=TABLE)
    assert len(sent) == 1


def test_a_proxy_of_the_environment_is_botocores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    with pytest.raises(UnknownSetUp, match="a proxy"):
        found()


def test_a_proxy_of_the_client_is_botocores() -> None:
    with pytest.raises(UnknownSetUp, match="a proxy"):
        found(config=Config(proxies={"https": "http://proxy:3128"}))


def test_an_endpoint_with_a_path_is_botocores() -> None:
    with pytest.raises(UnknownSetUp, match="a path"):
        found(endpoint_url="http://localhost:1/somewhere")


def test_certificates_of_ones_own(tmp_path: Any) -> None:
    assert found(verify=False).verify is False
    assert found(verify=str(tmp_path / "ca.pem")).verify == str(tmp_path / "ca.pem")
