"""The simulated mapping from the change queue to WriteCdc, and the client of the queue."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.simulation.failures import refused
from tests.simulation.faults import Faults
from tests.simulation.functions import Failure, Function
from tests.simulation.kernel import Kernel
from tests.simulation.mappings import Mapping
from tests.simulation.queue import Message, Queue
from tests.simulation.services import Calls


class QueueMapping(Mapping):
    """Pollers that take up to ten messages each; at most MaximumConcurrency invocations run."""

    def __init__(
        self, kernel: Kernel, faults: Faults, uuid: str, function: Function, queue: Queue, settings: dict[str, Any]
    ) -> None:
        super().__init__(kernel, uuid, function, queue.arn, settings)
        self._faults = faults
        self._draws = faults.draws("queue-mapping")
        self._queue = queue
        self._polling = 0
        queue.wake = self.poke

    def poke(self) -> None:
        while self.active and self._polling < self.settings["ScalingConfig"]["MaximumConcurrency"]:
            batch = self._queue.receive(self._draws.choice((1, 3, 10, 10)))
            if not batch:
                return
            self._invoke(batch)

    def _invoke(self, batch: list[Message]) -> None:
        self._polling += 1
        receipts = [message.receipt for message in batch]
        event = {"Records": [_record(message) for message in batch]}
        self.function.invoke(event, lambda result, failure: self._processed(batch, receipts, result, failure))
        if self._faults.at("overlapping-delivery", 0.02):
            self.function.invoke(event, lambda result, failure: None)

    def _processed(self, batch: list[Message], receipts: list[str], result: Any, failure: Failure | None) -> None:
        self._polling -= 1
        if failure is None:
            failed = {entry["itemIdentifier"] for entry in result["batchItemFailures"]}
            for message, receipt in zip(batch, receipts, strict=True):
                if message.id not in failed and not self._faults.at("failed-deletion", 0.01):
                    self._queue.delete(message, receipt)
        self.kernel.after(0.0, self.poke)

    @property
    def idle(self) -> bool:
        """Tell whether no invocation is under way."""
        return not self._polling


def _record(message: Message) -> dict[str, Any]:
    return {
        "messageId": message.id,
        "receiptHandle": message.receipt,
        "body": message.body,
        "attributes": {
            "MessageGroupId": message.group,
            "ApproximateReceiveCount": str(message.receives),
            "SentTimestamp": str(int(message.sent * 1000)),
        },
    }


class QueueClient:
    """The client `sqs` of change queues, whose sends a storm refuses, and of their dead-letter queues."""

    def __init__(self, queues: Iterable[Queue], calls: Calls) -> None:
        self._calls = calls
        self._queues = {
            found.url: found for queue in queues for found in (queue, queue.dead_letters) if found is not None
        }
        self.storm_until = 0.0
        self.storm_strength = 0.9

    def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        def effect(kind: str | None = None) -> dict[str, Any]:
            return self._send(self._queues[QueueUrl], Entries, kind)

        return self._calls.make("SendMessageBatch", effect, ("failed-entries",))

    def _send(self, queue: Queue, entries: list[dict[str, str]], kind: str | None) -> dict[str, Any]:
        if sum(len(entry["MessageBody"]) for entry in entries) > queue.limit:
            text = "Batch requests cannot be longer than the limit"
            raise refused("AWS.SimpleQueueService.BatchRequestTooLong", text, "SendMessageBatch")
        failed = []
        for entry in entries:
            if self._fails(kind):
                failed.append({"Id": entry["Id"], "SenderFault": False, "Code": "InternalError"})
            else:
                queue.send(entry["MessageGroupId"], entry["MessageDeduplicationId"], entry["MessageBody"])
        return {"Failed": failed}

    def _fails(self, kind: str | None) -> bool:
        if self._calls.kernel.now < self.storm_until:
            return self._calls.faults.draws("queue-storm").random() < self.storm_strength
        return kind == "failed-entries" and self._calls.faults.draws(kind).random() < 0.5

    def receive_message(self, QueueUrl: str, MaxNumberOfMessages: int, WaitTimeSeconds: int) -> dict[str, Any]:  # noqa: N803
        def effect() -> dict[str, Any]:
            return {"Messages": [_received(one) for one in self._queues[QueueUrl].receive(MaxNumberOfMessages)]}

        return self._calls.make("ReceiveMessage", effect)

    def delete_message_batch(self, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        def effect() -> dict[str, Any]:
            queue = self._queues[QueueUrl]
            for receipt in (entry["ReceiptHandle"] for entry in Entries):
                message = queue.messages.get(receipt.rsplit("/", 1)[0])
                if message is not None:
                    queue.delete(message, receipt)
            return {}

        return self._calls.make("DeleteMessageBatch", effect)

    def get_queue_attributes(self, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:  # noqa: N803
        return self._calls.make("GetQueueAttributes", lambda: {"Attributes": self._depths(QueueUrl)})

    def _depths(self, url: str) -> dict[str, str]:
        queue = self._queues[url]
        in_flight = queue.in_flight
        return {
            "ApproximateNumberOfMessages": str(len(queue.messages) - in_flight),
            "ApproximateNumberOfMessagesNotVisible": str(in_flight),
        }

    def change_message_visibility_batch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        return self._calls.make("ChangeMessageVisibilityBatch", lambda: self._change(self._queues[QueueUrl], Entries))

    def _change(self, queue: Queue, entries: list[dict[str, Any]]) -> dict[str, Any]:
        for entry in entries:
            receipt = entry["ReceiptHandle"]
            message = queue.messages.get(receipt.rsplit("/", 1)[0])
            if message is not None and message.receipt == receipt and message.visible_at > self._calls.kernel.now:
                queue.hide(message, entry["VisibilityTimeout"])
        return {}


def _received(message: Message) -> dict[str, Any]:
    return {"MessageId": message.id, "ReceiptHandle": message.receipt, "Body": message.body}
