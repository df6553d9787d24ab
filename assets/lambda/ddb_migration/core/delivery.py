"""Messages as the change queue delivers them, by group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ddb_migration.core.message import Message, UnknownMessage, decode
from ddb_migration.core.watermark import mark


@dataclass(frozen=True)
class Delivery:
    """One delivered message; `message` is None when its body cannot be read, `receives` counts deliveries.

    `sent` is when the queue took it, in epoch seconds.
    """

    message_id: str
    receipt: str
    group: str
    message: Message | None
    receives: int = 1
    sent: float = 0.0

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Delivery:
        """Read one record of an SQS event."""
        return cls(
            message_id=record["messageId"],
            receipt=record["receiptHandle"],
            group=record["attributes"]["MessageGroupId"],
            message=_message(record["body"]),
            receives=int(record["attributes"].get("ApproximateReceiveCount", 1)),
            # In milliseconds (SQS API, ReceiveMessage).
            sent=int(record["attributes"].get("SentTimestamp", 0)) / 1000,
        )


Group = Sequence[Delivery]


def groups(deliveries: Iterable[Delivery]) -> list[Group]:
    """Return the deliveries group by group, each in the order of the queue."""
    by_group: dict[str, list[Delivery]] = {}
    for delivery in deliveries:
        by_group.setdefault(delivery.group, []).append(delivery)
    return list(by_group.values())


def to_apply(messages: Sequence[Message]) -> list[Message]:
    """Return what must be applied of one key's messages: the newest change, then one reread without a number.

    A cost measure: the newest change holds the whole item, and a reread sees at least all that was sent before it.
    """
    numbered = [message for message in messages if message.number is not None]
    newest = [max(numbered, key=lambda message: mark(str(message.number)))] if numbered else []
    unnumbered = [message for message in messages if message.number is None]
    return newest + unnumbered[:1]


def _message(body: str) -> Message | None:
    try:
        return decode(body)
    except UnknownMessage:
        return None
