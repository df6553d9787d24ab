"""The change queue: SQS FIFO, one message group for each item key."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ddb_migration.core.backoff import backoff_seconds
from ddb_migration.core.send_batches import Entry

# A failed message blocks its group until it is visible again; the queue's own time-out would be 180 s.
SOON_SECONDS = (5, 30)
_IN_FLIGHT = "ApproximateNumberOfMessagesNotVisible"
_DEPTHS = ("ApproximateNumberOfMessages", _IN_FLIGHT, "ApproximateNumberOfMessagesDelayed")


class ChangeQueue:
    """One change queue, by its URL."""

    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, batch: Sequence[Entry]) -> list[Entry]:
        """Send one batch and return the entries that SQS refused; the call may fail for each entry on its own."""
        entries = [
            {
                "Id": str(position),
                "MessageBody": entry.body,
                "MessageGroupId": entry.group,
                "MessageDeduplicationId": entry.deduplication_id,
            }
            for position, entry in enumerate(batch)
        ]
        answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
        return [batch[int(failure["Id"])] for failure in answer.get("Failed", [])]

    def persist(self, batch: Sequence[Entry], attempts: int, sleep: Callable[[float], object]) -> list[Entry]:
        """Send one batch, again what SQS refused, and return what it refused to the last."""
        remaining = list(batch)
        for attempt in range(attempts):
            try:
                remaining = self.send(remaining)
            except (ClientError, BotoCoreError) as error:
                print(f"sending {len(remaining)} messages failed: {error}")
            if not remaining:
                break
            sleep(backoff_seconds(attempt))
        return remaining

    def depth(self) -> int:
        """Return how many messages wait or are in work; SQS calls the figure approximate."""
        return self._count(*_DEPTHS)

    def in_flight(self) -> int:
        """Return how many messages were received and neither deleted nor returned; approximate too."""
        return self._count(_IN_FLIGHT)

    def _count(self, *names: str) -> int:
        attributes = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=list(names))["Attributes"]
        return sum(int(attributes.get(name, 0)) for name in names)

    def return_soon(self, receipts: Iterable[str], within: tuple[int, int] | None = None) -> None:
        """Make messages visible again, spread over 5 to 30 s unless told otherwise: not all groups at once."""
        earliest, latest = within or SOON_SECONDS
        entries = [
            {
                "Id": str(position),
                "ReceiptHandle": receipt,
                "VisibilityTimeout": random.randint(earliest, latest),  # noqa: S311  no secret
            }
            for position, receipt in enumerate(receipts)
        ]
        if entries:
            self._client.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)
