"""SQS FIFO queues in memory.

Rules: SQS API, SendMessageBatch and ReceiveMessage; SQS Developer Guide, "FIFO delivery logic" and "Exactly-once
processing".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.client_errors import FakeClient, client_error

LIMIT_BYTES = 1_048_576
DEDUPLICATION_SECONDS = 300
_IDENTIFIER = re.compile(r"[A-Za-z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}")
_FORBIDDEN = re.compile("[^\\x09\\x0a\\x0d\\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass
class FakeMessage:
    """One message; it can be received from `visible_at` on."""

    number: int
    group: str
    body: str
    visible_at: float
    sent: float
    received: int = 0

    @property
    def receipt(self) -> str:
        return f"receipt-{self.number}-{self.received}"


class FakeQueue:
    """One FIFO queue with deduplication of each group on its own."""

    def __init__(self, attributes: Mapping[str, str]) -> None:
        self.visibility = float(attributes.get("VisibilityTimeout", 30))
        self.messages: list[FakeMessage] = []
        self.sent: dict[tuple[str, str], float] = {}
        self.accepted: list[dict[str, Any]] = []


class FakeSqs(FakeClient):
    """Queues by URL; `refuse` tells for an entry with which error code SQS refuses it, None for not."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self.queues: dict[str, FakeQueue] = {}
        self.refuse: Callable[[Mapping[str, Any]], str | None] = lambda entry: None
        self._clock = clock
        self._count = 0

    def create_queue(self, **request: Any) -> dict[str, str]:
        url = f"https://sqs.us-east-1.amazonaws.com/123456789012/{request['QueueName']}"
        self.queues[url] = FakeQueue(request.get("Attributes", {}))
        return {"QueueUrl": url}

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        queue, entries = self._queue("SendMessageBatch", request), request["Entries"]
        _check_batch(entries)
        answer: dict[str, Any] = {"Successful": [], "Failed": []}
        for entry in entries:
            code = _invalid(entry) or self.refuse(entry)
            if code:
                # Against the order of the entries: SQS promises none.
                failure = {"Id": entry["Id"], "Code": code, "SenderFault": code.startswith("Invalid")}
                answer["Failed"].insert(0, failure)
            else:
                self._accept(queue, entry)
                answer["Successful"].append({"Id": entry["Id"]})
        return {name: rows for name, rows in answer.items() if rows}

    def receive_message(self, **request: Any) -> dict[str, Any]:
        """The oldest visible messages; of a group with a message in flight, none."""
        queue, now = self._queue("ReceiveMessage", request), self._clock()
        blocked = {message.group for message in queue.messages if message.visible_at > now}
        found = [message for message in queue.messages if message.group not in blocked]
        found = found[: request.get("MaxNumberOfMessages", 1)]
        for message in found:
            message.visible_at = now + queue.visibility
            message.received += 1
        return {"Messages": [_received(message) for message in found]} if found else {}

    def delete_message_batch(self, **request: Any) -> None:
        queue = self._queue("DeleteMessageBatch", request)
        receipts = {entry["ReceiptHandle"] for entry in request["Entries"]}
        queue.messages = [message for message in queue.messages if message.receipt not in receipts]

    def change_message_visibility_batch(self, **request: Any) -> dict[str, Any]:
        queue, now = self._queue("ChangeMessageVisibilityBatch", request), self._clock()
        if len(request["Entries"]) > 10:
            raise client_error("ChangeMessageVisibilityBatch", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest")
        for entry in request["Entries"]:
            for message in queue.messages:
                if message.receipt == entry["ReceiptHandle"]:
                    message.visible_at = now + entry["VisibilityTimeout"]
        return {}

    def get_queue_attributes(self, **request: Any) -> dict[str, Any]:
        queue, now = self._queue("GetQueueAttributes", request), self._clock()
        in_flight = sum(message.visible_at > now for message in queue.messages)
        counts = {
            "ApproximateNumberOfMessages": len(queue.messages) - in_flight,
            "ApproximateNumberOfMessagesNotVisible": in_flight,
            "ApproximateNumberOfMessagesDelayed": 0,
        }
        return {"Attributes": {name: str(counts[name]) for name in request["AttributeNames"]}}

    def _accept(self, queue: FakeQueue, entry: Mapping[str, Any]) -> None:
        identity = (entry["MessageGroupId"], entry["MessageDeduplicationId"])
        now = self._clock()
        if now - queue.sent.get(identity, float("-inf")) < DEDUPLICATION_SECONDS:
            return
        queue.sent[identity] = now
        self._count += 1
        queue.accepted.append(dict(entry))
        queue.messages.append(FakeMessage(self._count, entry["MessageGroupId"], entry["MessageBody"], now, now))

    def _queue(self, operation: str, request: Mapping[str, Any]) -> FakeQueue:
        self.called(operation, request)
        if request["QueueUrl"] not in self.queues:
            raise client_error(operation, "AWS.SimpleQueueService.NonExistentQueue")
        return self.queues[request["QueueUrl"]]


def _check_batch(entries: list[dict[str, Any]]) -> None:
    if not 1 <= len(entries) <= 10 or len({entry["Id"] for entry in entries}) < len(entries):
        raise client_error("SendMessageBatch", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest")
    if sum(len(entry["MessageBody"].encode("utf-8")) for entry in entries) > LIMIT_BYTES:
        raise client_error("SendMessageBatch", "AWS.SimpleQueueService.BatchRequestTooLong")


def _invalid(entry: Mapping[str, Any]) -> str | None:
    for name in ("MessageGroupId", "MessageDeduplicationId"):
        if not _IDENTIFIER.fullmatch(entry[name]):
            return "InvalidParameterValue"
    return "InvalidMessageContents" if not entry["MessageBody"] or _FORBIDDEN.search(entry["MessageBody"]) else None


def _received(message: FakeMessage) -> dict[str, Any]:
    return {
        "MessageId": f"message-{message.number}",
        "ReceiptHandle": message.receipt,
        "Body": message.body,
        "Attributes": {
            "MessageGroupId": message.group,
            "ApproximateReceiveCount": str(message.received),
            "SentTimestamp": str(int(message.sent * 1000)),
        },
    }


def event_records(received: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The records of the event in which Lambda hands over what ReceiveMessage answered."""
    return [
        {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
        }
        for message in received.get("Messages", [])
    ]
