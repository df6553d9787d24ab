"""Bulk writes to the destination: every item is written, or parked with the reason."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ddb_migration.aws.bulk_permit import BulkPermit
from ddb_migration.aws.errors import TOO_LARGE, code, is_rejection, is_transient
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core.attribute_values import with_base64
from ddb_migration.core.backoff import backoff_seconds
from ddb_migration.core.item_key import key_of

# DynamoDB API, BatchWriteItem: at most 25 puts.
BATCH = 25

BotoItem = dict[str, Any]


class BulkWriter:
    """Puts items (DynamoDB JSON with bytes) into one table; asks the permit before every call."""

    def __init__(
        self,
        client: Any,
        table_arn: str,
        key_names: Sequence[str],
        permit: BulkPermit,
        watermarks: Watermarks,
        epoch: str,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._client = client
        self._table_arn = table_arn
        self._key_names = key_names
        self._permit = permit
        self._watermarks = watermarks
        self._epoch = epoch
        self._sleep = sleep

    def write(self, items: Sequence[BotoItem]) -> int:
        """Write the items, whose keys must differ, and return how many the destination rejects.

        Raises MigrationStopped when no bulk write may follow any more.
        """
        return sum(self._batch(items[first : first + BATCH]) for first in range(0, len(items), BATCH))

    def _batch(self, items: Sequence[BotoItem]) -> int:
        try:
            self._put(items)
        except (ClientError, BotoCoreError) as error:
            if not (is_rejection(error) or code(error) in TOO_LARGE):
                raise
            return self._apart(items, error)
        return 0

    def _apart(self, items: Sequence[BotoItem], error: Exception) -> int:
        """Find the item that makes DynamoDB reject its whole batch, by halves."""
        if len(items) == 1:
            key = with_base64(key_of(items[0], self._key_names))
            self._watermarks.park(key, self._epoch, f"{type(error).__name__}: {error}"[:500])
            return 1
        middle = len(items) // 2
        return self._batch(items[:middle]) + self._batch(items[middle:])

    def _put(self, items: Sequence[BotoItem]) -> None:
        requests: dict[str, Any] = {self._table_arn: [{"PutRequest": {"Item": item}} for item in items]}
        attempt = 0
        while requests:
            self._permit.require()
            requests, attempt = self._call(requests), attempt + 1
            if requests:
                self._sleep(backoff_seconds(attempt, random.random()))  # noqa: S311  jitter, no secret

    def _call(self, requests: dict[str, Any]) -> dict[str, Any]:
        """Return what DynamoDB left unprocessed; on a transient failure that is everything."""
        try:
            left: dict[str, Any] = self._client.batch_write_item(RequestItems=requests).get("UnprocessedItems", {})
        except (ClientError, BotoCoreError) as error:
            if not is_transient(error):
                raise
            return requests
        return left
