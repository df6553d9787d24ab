"""boto3's low-level clients, with the time-outs that the migration's guarantees rest on.

One of each kind in a process: boto3's clients may be shared by threads, and making one costs more than many calls.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config

# A write begun in the last permitted second must have ended before the function times out (core.deadline).
CONNECT_SECONDS = 2
READ_SECONDS = 4
# Of a client that retries by itself.
ATTEMPTS = 5


@functools.cache
def client(service: str) -> Any:
    """Return a client that retries by itself: for reads and for calls that may run twice."""
    return boto3.client(service, config=config(ATTEMPTS))


@functools.cache
def writer(service: str) -> Any:
    """Return a client of exactly one attempt, for writes whose retries the caller times itself."""
    return boto3.client(service, config=config(1))


def writer_as(credentials: Mapping[str, str]) -> Any:
    """Return a new DynamoDB client of one attempt, with the credentials of an assumed role."""
    return boto3.client(
        "dynamodb",
        config=config(1),
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )


def config(attempts: int) -> Config:
    """Return the time-outs, with so many attempts."""
    return Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=32,
    )
