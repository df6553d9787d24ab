"""Exports of the source to the migration bucket."""

from __future__ import annotations

import datetime
from typing import Any

PREFIX = "export"


def exports_of(epoch: str) -> str:
    """Return with what the keys of all exports of an epoch begin."""
    return f"{PREFIX}/{epoch}/"


class Exports:
    """Full exports in DynamoDB JSON, encrypted with a key of the team's or, without one, with S3's own."""

    def __init__(self, client: Any, table_arn: str, bucket: str, key_arn: str | None = None) -> None:
        self._client = client
        self._table_arn = table_arn
        self._bucket = bucket
        # DynamoDB says how an object is encrypted, whatever the bucket's default is.
        self._encryption = {"S3SseAlgorithm": "KMS", "S3SseKmsKeyId": key_arn} if key_arn else {}

    def start(self, epoch: str, export_time: float) -> str:
        """Export the table as of a time (epoch seconds) and return the export's ARN.

        Epoch and time are the client token: a repeated call within eight hours is the same export (DynamoDB API).
        """
        answer = self._client.export_table_to_point_in_time(
            TableArn=self._table_arn,
            S3Bucket=self._bucket,
            S3Prefix=exports_of(epoch).rstrip("/"),
            ExportTime=datetime.datetime.fromtimestamp(export_time, datetime.timezone.utc),
            ClientToken=f"{epoch}-{int(export_time)}",
            ExportFormat="DYNAMODB_JSON",
            **self._encryption,
        )
        return str(answer["ExportDescription"]["ExportArn"])

    def describe(self, arn: str) -> dict[str, Any]:
        """Return an export's description."""
        description: dict[str, Any] = self._client.describe_export(ExportArn=arn)["ExportDescription"]
        return description
