"""Clients of AWS for the commands, made when first needed: importing boto3 takes longer than most of them."""

from __future__ import annotations

from typing import Any

from ddb_migration_construct.cli.failures import require

# Where a service is, if not in every Region (AWS Price List: "Service endpoints").
_REGIONS = {"pricing": "us-east-1"}


def client(service: str) -> Any:
    """Return a client with the user's own credentials, profile and Region, as the AWS CLI would find them."""
    require("cli", "boto3")
    import boto3

    return boto3.client(service, region_name=_REGIONS.get(service))
