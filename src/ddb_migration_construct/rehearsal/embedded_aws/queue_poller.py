"""Event source mappings of queues: several batches at once, only what succeeded is deleted.

What differs from AWS: at most four batches in flight (or MaximumConcurrency if that is less), at most ten
messages in a batch, no batching window, no filters; after an invocation that failed as a whole, what is left of
the visibility time-out is scaled, as waits are.
"""

from __future__ import annotations

import math
from typing import Any

from .clients import root
from .event_records import queue_event_record
from .faults import Faults
from .poller import Poller, parts_within_payload

_MOST_IN_FLIGHT = 4
_RECEIVE_LIMIT = 10
# As long as it may take until a mapping that is being disabled is Disabled.
_LONG_POLL_SECONDS = 1


class QueuePoller(Poller):
    """Leaves the order within message groups, and what returns after a failure, to the queue."""

    def __init__(self, mapping: dict[str, Any], faults: Faults, wait_scale: float) -> None:
        super().__init__(mapping, faults)
        self._wait_scale = wait_scale

    @property
    def workers(self) -> int:
        """Four, or MaximumConcurrency if that is less."""
        limit = (self.mapping.get("ScalingConfig") or {}).get("MaximumConcurrency")
        return min(_MOST_IN_FLIGHT, limit or _MOST_IN_FLIGHT)

    def poll(self) -> None:
        """Take batches until told to stop."""
        queue = self.clients["sqs"]
        arn = self.mapping["EventSourceArn"]
        # Lambda needs no sqs:GetQueueUrl, so the URL is made from the ARN as MiniStack makes it.
        account, name = arn.split(":")[4:6]
        url = f"{queue.meta.endpoint_url}/{account}/{name}"
        while not self.stopping.is_set():
            messages = queue.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=min(self.mapping.get("BatchSize") or _RECEIVE_LIMIT, _RECEIVE_LIMIT),
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
                WaitTimeSeconds=_LONG_POLL_SECONDS,
            ).get("Messages", [])
            if messages:
                self._process(queue, url, [queue_event_record(message, arn) for message in messages])

    def _process(self, queue: Any, url: str, records: list[dict[str, Any]]) -> None:
        failed_groups: set[str] = set()
        for part in parts_within_payload(records):
            batch = [record for record in part if _group(record) not in failed_groups]
            if not batch:
                continue
            outcome = self.invoke(batch)
            failed = [r for r in batch if outcome.failed or r["messageId"] in outcome.reported]
            failed_groups.update(group for record in failed if (group := _group(record)))
            self._delete(queue, url, [record for record in batch if record not in failed])
            self._hurry(url, [r for r in batch if outcome.failed or r["messageId"] in outcome.injected])

    def _delete(self, queue: Any, url: str, records: list[dict[str, Any]]) -> None:
        entries = [
            {"Id": str(number), "ReceiptHandle": record["receiptHandle"]} for number, record in enumerate(records)
        ]
        if entries:
            queue.delete_message_batch(QueueUrl=url, Entries=entries)

    def _hurry(self, url: str, records: list[dict[str, Any]]) -> None:
        """Shorten what nothing but the visibility time-out brings back; nobody works on these messages any more."""
        if not records:
            return
        asked = root["sqs"].get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
        seconds = math.ceil(int(asked["Attributes"]["VisibilityTimeout"]) * self._wait_scale)
        entries = [
            {"Id": str(number), "ReceiptHandle": record["receiptHandle"], "VisibilityTimeout": seconds}
            for number, record in enumerate(records)
        ]
        root["sqs"].change_message_visibility_batch(QueueUrl=url, Entries=entries)

    def order_of(self, record: dict[str, Any]) -> str:
        """Return the message group: it takes no further message while one is in work."""
        return _group(record)


def _group(record: dict[str, Any]) -> str:
    return str(record["attributes"].get("MessageGroupId", ""))
