"""boto3 clients bound to this process's own port, as root or as a role."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config

from .settings import REGION

_CONFIG = Config(
    retries={"total_max_attempts": 1},
    max_pool_connections=64,
    connect_timeout=10,
    read_timeout=960,
    parameter_validation=False,
)
_making = threading.Lock()
_session = boto3.session.Session()


def endpoint_url() -> str:
    """The address of this process's one port."""
    return os.environ["AWS_ENDPOINT_URL"]


def new_client(service: str, credentials: Mapping[str, str] | None = None) -> Any:
    """Make a client; without credentials it signs with the root key of the environment.

    Making clients is guarded and shares one session: its loaders are not safe for threads, and slow.
    """
    given = credentials or {}
    with _making:
        return _session.client(
            service,
            endpoint_url=endpoint_url(),
            region_name=REGION,
            config=_CONFIG,
            aws_access_key_id=given.get("AWS_ACCESS_KEY_ID"),
            aws_secret_access_key=given.get("AWS_SECRET_ACCESS_KEY"),
            aws_session_token=given.get("AWS_SESSION_TOKEN"),
        )


class Clients:
    """Clients of one principal, made at first use and shared by its threads."""

    def __init__(self, credentials: Mapping[str, str] | None = None) -> None:
        self._credentials = credentials
        self._clients: dict[str, Any] = {}

    def __getitem__(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = new_client(service, self._credentials)
        return self._clients[service]


root = Clients()
