"""How many messages a migration's change queue holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_ATTRIBUTES = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


@dataclass(frozen=True)
class Backlog:
    """Messages that wait, that a function holds, and that are delayed; SQS calls all three approximate."""

    waiting: int
    in_flight: int
    delayed: int

    @property
    def total(self) -> int:
        """The messages not yet settled."""
        return self.waiting + self.in_flight + self.delayed


def read_backlog(sqs: Any, queue_url: str) -> Backlog:
    """Ask the change queue for its counts."""
    answer = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=list(_ATTRIBUTES))
    return Backlog(*(int(answer["Attributes"][name]) for name in _ATTRIBUTES))
