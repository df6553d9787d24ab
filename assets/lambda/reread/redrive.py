"""The redrive of dead letters: each becomes a reread of its key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ddb_migration.aws.dead_letters import DeadLetter, DeadLetters
from ddb_migration.aws.rereads import Reread, Rereads
from ddb_migration.core.message import Message


@dataclass
class Redrive:
    """One pass over the dead-letter queue, and what it has counted; `clock` is in seconds."""

    letters: DeadLetters
    rereads: Rereads
    epoch: str
    clock: Callable[[], float]
    sent: int = 0
    discarded: int = 0
    not_sent: int = 0
    unreadable: list[str] = field(default_factory=list)

    def run(self, until: float) -> dict[str, Any]:
        """Redrive until nothing can be received or the time has come; `done` tells which."""
        while letters := self.letters.receive():
            self._redrive(letters)
            if self.clock() >= until:
                return self._told(done=False)
        return self._told(done=True)

    def _redrive(self, letters: Sequence[DeadLetter]) -> None:
        """Send first, delete after: a letter is gone only when a reread of its key is in the change queue."""
        ours = [(letter, letter.message) for letter in letters if letter.message and self._is_ours(letter.message)]
        others = [letter for letter in letters if letter.message and not self._is_ours(letter.message)]
        arrived = self.rereads.send([Reread(message.key, message.number, message.created) for _, message in ours])
        sent = [letter for (letter, _), there in zip(ours, arrived, strict=True) if there]
        self.letters.delete([*sent, *others])
        self.sent += len(sent)
        self.not_sent += len(ours) - len(sent)
        self.discarded += len(others)
        self.unreadable += [letter.message_id for letter in letters if letter.message is None]

    def _is_ours(self, message: Message) -> bool:
        return message.epoch == self.epoch

    def _told(self, done: bool) -> dict[str, Any]:
        counts = {"sent": self.sent, "not_sent": self.not_sent, "discarded": self.discarded}
        return {"done": done, **counts, "unreadable": self.unreadable}
