"""The dead-letter queue of the change queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ddb_migration.core.message import Message, UnknownMessage, decode

# SQS API, ReceiveMessage: at most ten; a wait above zero asks all of SQS's servers, so that nothing means nothing.
MOST = 10
WAIT_SECONDS = 1


@dataclass(frozen=True)
class DeadLetter:
    """One message that WriteCdc gave up on; `message` is None when its body cannot be read."""

    message_id: str
    receipt: str
    message: Message | None


class DeadLetters:
    """One dead-letter queue, by its URL; what is received and not deleted comes back after 180 s."""

    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self._url = url

    def receive(self) -> list[DeadLetter]:
        """Return some dead letters, none when no more can be received now."""
        answer = self._client.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=MOST, WaitTimeSeconds=WAIT_SECONDS
        )
        return [_dead_letter(received) for received in answer.get("Messages", [])]

    def delete(self, letters: Sequence[DeadLetter]) -> None:
        """Delete dead letters; one that SQS keeps is received again, and another reread does no harm."""
        entries = [{"Id": str(place), "ReceiptHandle": letter.receipt} for place, letter in enumerate(letters)]
        if entries:
            self._client.delete_message_batch(QueueUrl=self._url, Entries=entries)


def _dead_letter(received: dict[str, Any]) -> DeadLetter:
    try:
        message = decode(received["Body"])
    except UnknownMessage:
        message = None
    return DeadLetter(received["MessageId"], received["ReceiptHandle"], message)
