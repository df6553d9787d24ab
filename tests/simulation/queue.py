"""The simulated FIFO queue: groups, visibility, the deduplication window, retention, and dead letters."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.kernel import Kernel

DEDUPLICATION_SECONDS = 300.0
MESSAGE_BYTES = 1_048_576


@dataclass(eq=False)
class Message:
    """One message; `receipt` is that of its last delivery."""

    id: str
    body: str
    group: str
    sent: float
    visible_at: float = 0.0
    receives: int = 0
    receipt: str = ""


@dataclass(eq=False)
class Queue:
    """A FIFO queue; `look_ahead` bounds both what is in flight and how far SQS looks for a free group."""

    kernel: Kernel
    arn: str
    retention: float = 14 * 86400.0
    visibility: float = 180.0
    look_ahead: int = 120_000
    most_receives: int = 1000
    limit: int = MESSAGE_BYTES
    dead_letters: Queue | None = None
    messages: dict[str, Message] = field(default_factory=dict)
    first: dict[str, str] = field(default_factory=dict)
    expired: list[Message] = field(default_factory=list)
    wake: Callable[[], None] = lambda: None
    taken: Callable[[str, bool], None] = lambda body, is_new: None
    enqueued: int = 0
    longest: int = 0
    _seen: dict[tuple[str, str], float] = field(default_factory=dict)
    _numbers: Any = field(default_factory=itertools.count)

    @property
    def url(self) -> str:
        return f"https://sqs/{self.arn.rsplit(':', 1)[1]}"

    @property
    def in_flight(self) -> int:
        """Return how many messages were handed out and are not visible again."""
        return sum(message.visible_at > self.kernel.now for message in self.messages.values())

    def send(self, group: str, deduplication_id: str, body: str) -> bool:
        """Take a message; False when its deduplication id was seen within five minutes, even if deleted since."""
        now, place = self.kernel.now, (group, deduplication_id)
        is_new = now - self._seen.get(place, -1e18) >= DEDUPLICATION_SECONDS
        self.taken(body, is_new)
        if is_new:
            self._seen[place] = now
            self.first.setdefault(group, body)
            self.add(group, body)
        return is_new

    def add(self, group: str, body: str) -> None:
        """Put a message at the tail."""
        number = f"{self.arn[-8:]}-{next(self._numbers)}"
        self.messages[number] = Message(number, body, group, self.kernel.now)
        self.enqueued += 1
        self.longest = max(self.longest, len(body))
        self.kernel.after(0.0, self.wake)

    def receive(self, most: int) -> list[Message]:
        """Hand out messages of free groups, in order; a group with one in flight gives no other."""
        self._expire()
        if not self.messages:
            return []
        now = self.kernel.now
        in_flight = [message.group for message in self.messages.values() if message.visible_at > now]
        if len(in_flight) >= self.look_ahead:
            return []
        blocked = set(in_flight)
        taken: list[Message] = []
        for message in list(itertools.islice(self.messages.values(), self.look_ahead)):
            if len(taken) == most:
                break
            if message.group not in blocked and not self._given_up(message):
                self._hand_out(message)
                taken.append(message)
        return taken

    def _hand_out(self, message: Message) -> None:
        message.receives += 1
        message.receipt = f"{message.id}/{message.receives}"
        self.hide(message, self.visibility)

    def hide(self, message: Message, seconds: float) -> None:
        """Make a message invisible for so long from now."""
        message.visible_at = self.kernel.now + seconds
        self.kernel.at(message.visible_at + 0.001, lambda: self._shown(message))

    def _shown(self, message: Message) -> None:
        if message.id in self.messages and message.visible_at <= self.kernel.now:
            self.wake()

    def _given_up(self, message: Message) -> bool:
        if message.receives < self.most_receives or self.dead_letters is None:
            return False
        del self.messages[message.id]
        self.dead_letters.add(message.group, message.body)
        self.kernel.after(0.0, self.wake)
        return True

    def _expire(self) -> None:
        old = self.kernel.now - self.retention
        while self.messages and (oldest := next(iter(self.messages.values()))).sent < old:
            self.expired.append(self.messages.pop(oldest.id))

    def delete(self, message: Message, receipt: str) -> None:
        """Delete a message; SQS does not for a receipt that has run out."""
        if message.receipt == receipt and message.visible_at > self.kernel.now and message.id in self.messages:
            del self.messages[message.id]
            self.kernel.after(0.0, self.wake)
