"""Clients of AWS for the commands, made when first needed: importing boto3 takes longer than most of them."""

from __future__ import annotations

import os
from typing import Any

from ddb_migration_construct.cli.failures import require

# Where a service is, if not in every Region (AWS Price List: "Service endpoints").
_REGIONS = {"pricing": "us-east-1"}


# So long a try to connect, and so many tries: what is throttled comes through (Step Functions answers one
# ListTagsForResource a second), and a network that is gone is told within minutes. Invoke waits for a function's end.
_CONNECT_SECONDS, _TRIES = 10, 8
_READ_SECONDS = {"lambda": 120}


def client(service: str) -> Any:
    """Return a client with the user's own credentials, profile and Region, as the AWS CLI would find them."""
    require("cli", "boto3")
    import boto3
    from botocore.config import Config

    # boto3 knows AWS_DEFAULT_REGION only; to the AWS CLI this one comes before it and before the profile's.
    region = _REGIONS.get(service) or os.environ.get("AWS_REGION") or None
    waits = Config(connect_timeout=_CONNECT_SECONDS, read_timeout=_READ_SECONDS.get(service, 60), tcp_keepalive=True)
    return boto3.client(service, region_name=region, config=waits.merge(_retries(Config)))


def _retries(config: Any) -> Any:
    """Return how often a call is tried again, unless the user says so."""
    if "AWS_MAX_ATTEMPTS" in os.environ or "AWS_RETRY_MODE" in os.environ:
        return config()
    return config(retries={"mode": "standard", "total_max_attempts": _TRIES})
