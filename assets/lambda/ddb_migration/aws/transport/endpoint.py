"""Endpoint, Region, credentials and certificates, as botocore resolves them for one table."""

from __future__ import annotations

import io
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSResponse
from botocore.httpsession import get_cert_path
from botocore.utils import get_environ_proxies

from ddb_migration.aws.transport.signing import Keys

_SIGNED = b"AWS4-HMAC-SHA256 "


class UnknownSetUp(Exception):
    """The set-up is one that only botocore can handle; the text names what is unknown."""


@dataclass(frozen=True)
class Endpoint:
    """Where and as whom to send; `keys` may block, for it renews credentials that come to their end."""

    url: str
    region: str
    keys: Callable[[], Keys]
    verify: bool | str

    @property
    def host(self) -> str:
        """Return the host without the port."""
        return str(urlsplit(self.url).hostname)

    @property
    def port(self) -> int:
        """Return the port."""
        parts = urlsplit(self.url)
        return parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def host_header(self) -> str:
        """Return what the `host` header says: the port is in it only where it is not the scheme's own."""
        standard = 443 if self.url.startswith("https") else 80
        return self.host if self.port == standard else f"{self.host}:{self.port}"

    def tls(self) -> ssl.SSLContext | None:
        """Return how to check certificates, None for plain HTTP."""
        if not self.url.startswith("https"):
            return None
        if self.verify is False:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            return context
        return ssl.create_default_context(cafile=get_cert_path(self.verify))


def resolve(client: Any, table_arn: str) -> Endpoint:
    """Learn from a boto3 DynamoDB client what it would send, without sending it.

    Endpoints of VPCs, FIPS, accounts and of one's own choice are all found so. Raises UnknownSetUp.
    """
    request = _request_of(client, table_arn)
    try:
        session = client._endpoint.http_session
        proxy, verify = session._proxy_config.proxy_url_for(request.url), session._verify
        client._request_signer._credentials.get_frozen_credentials()
    except AttributeError as error:
        raise UnknownSetUp(f"a botocore of another make ({error})") from error
    if proxy or get_environ_proxies(request.url):
        raise UnknownSetUp("a proxy")
    authorization = request.headers.get("Authorization") or b""
    if not (authorization.encode() if isinstance(authorization, str) else authorization).startswith(_SIGNED):
        raise UnknownSetUp("a signature that is not AWS4-HMAC-SHA256")
    if getattr(session, "_cert_file", None):
        raise UnknownSetUp("a client certificate")
    if urlsplit(request.url).path not in ("", "/"):
        raise UnknownSetUp("an endpoint with a path")
    return Endpoint(request.url, client.meta.region_name, lambda: _keys(client), verify)


def _request_of(client: Any, table_arn: str) -> Any:
    """Return the prepared request of a harmless call, caught before it is sent."""
    caught: list[Any] = []

    def catch(request: Any, **_: Any) -> AWSResponse:
        caught.append(request)
        return AWSResponse(request.url, 200, {}, _Nothing(b"{}"))

    event = "before-send.dynamodb.DescribeTable"
    client.meta.events.register_first(event, catch)
    try:
        client.describe_table(TableName=table_arn)
    finally:
        client.meta.events.unregister(event, catch)
    return caught[0]


class _Nothing(io.BytesIO):
    """The body of an answer that no one sent."""

    def stream(self, **_: Any) -> Any:
        yield self.read()


def _keys(client: Any) -> Keys:
    frozen = client._request_signer._credentials.get_frozen_credentials()
    return Keys(frozen.access_key, frozen.secret_key, frozen.token)
