"""Apply: what is done with the messages of one key."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from ddb_migration.aws.errors import code, ignore, is_refused_for_now, is_rejection, is_unanswered, persist
from ddb_migration.aws.tables import Destination, Source
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core.attribute_values import Item
from ddb_migration.core.change import REREAD
from ddb_migration.core.deadline import Deadline, OutOfTime
from ddb_migration.core.delivery import Group, to_apply
from ddb_migration.core.message import Message
from ddb_migration.core.watermark import mark, mark_above

Result = TypeVar("Result")

DONE = "done"
FAILED = "failed"
# A write of the group got no answer. It may still take effect, on top of whatever the group would write next, so
# nothing of the group may be written before the visibility time-out: no request lives so long.
UNANSWERED = "unanswered"


@dataclass(frozen=True)
class Outcome:
    """What became of a group: whether its messages may be deleted, what was counted, and the code of a failure."""

    kind: str
    counts: Mapping[str, int] = field(default_factory=dict)
    failure: str | None = None

    @property
    def was_answered(self) -> bool:
        """Tell whether the destination took a write, or rejected it: it is there."""
        return bool(self.counts.get("applied") or self.counts.get("parked"))


class Apply:
    """Applies messages of one epoch; writes nothing after the deadline.

    After a cut-over at `late_since` (epoch seconds) only changes are applied that the source was given since.
    `notes_rereads` keeps when a reread that stands for no change writes a key, so that the write is known as our own.
    """

    def __init__(
        self,
        epoch: str,
        watermarks: Watermarks,
        source: Source,
        destination: Destination,
        deadline: Deadline,
        sleep: Callable[[float], object] = time.sleep,
        noticed: Callable[[Exception], object] = ignore,
        late_since: float | None = None,
        notes_rereads: bool = False,
    ) -> None:
        self._epoch = epoch
        self._notes_rereads = notes_rereads
        self._watermarks = watermarks
        self._source = source
        self._destination = destination
        self._deadline = deadline
        self._sleep = sleep
        self._noticed = noticed
        self._late_since = late_since

    def group(self, group: Group) -> Outcome:
        """Apply the messages of one key; a failure leaves them all in the queue, in their order."""
        counts = {"applied": 0, "stale_skipped": 0, "discarded": 0, "parked": 0}
        messages = [delivery.message for delivery in group]
        if None in messages:
            print(f"a message of group {group[0].group} cannot be read by this version; it stays in the queue")
            return Outcome(FAILED, counts)
        ours = [message for message in messages if message is not None and message.epoch == self._epoch]
        counts["discarded"] = len(messages) - len(ours)
        try:
            for message in to_apply(ours):
                counts[self._one(message)] += 1
        except (ClientError, BotoCoreError, OutOfTime) as error:
            print(f"group {group[0].group} returns to the queue: {type(error).__name__}: {error}")
            kind = UNANSWERED if is_unanswered(error) else FAILED
            return Outcome(kind, counts, _code(error))
        return Outcome(DONE, counts)

    def _one(self, message: Message) -> str:
        watermark = _watermark(message)
        if watermark is None and self._late_since is not None:
            # The source that it would read is no longer the table.
            return "discarded"
        if watermark is not None and not self._raised(message.key, watermark):
            return "stale_skipped"
        if watermark is None and self._notes_rereads:
            self._attempt(lambda: self._watermarks.note_write(message.key))
        try:
            self._write(message)
        except (ClientError, BotoCoreError, ValueError) as error:
            if not (is_rejection(error) or isinstance(error, ValueError)):
                raise
            self._park(message.key, f"{type(error).__name__}: {error}"[:500], watermark)
            return "parked"
        if watermark is None:
            self._write_once(lambda: self._watermarks.unpark(message.key))
        return "applied"

    def _raised(self, key: Item, watermark: str) -> bool:
        return self._attempt(lambda: self._watermarks.raise_to(key, watermark, self._late_since))

    def _park(self, key: Item, reason: str, watermark: str | None) -> None:
        self._write_once(lambda: self._watermarks.park(key, self._epoch, reason, watermark))

    def _write(self, message: Message) -> None:
        image = message.image
        if message.kind == REREAD:
            image = self._attempt(lambda: self._source.get(message.key))
        if image is None:
            self._write_once(lambda: self._destination.delete(message.key))
        else:
            self._write_once(lambda: self._destination.put(image))

    def _write_once(self, call: Callable[[], None]) -> None:
        """Repeat a write that was refused for now; raise at once where it got no answer."""
        persist(call, self._deadline, self._sleep, is_refused_for_now, self._noticed)

    def _attempt(self, call: Callable[[], Result]) -> Result:
        return persist(call, self._deadline, self._sleep, noticed=self._noticed)


def _code(error: Exception) -> str:
    """Return the code of an error; of one that time ran out for, that of the last try."""
    cause = error.__cause__
    return code(cause if isinstance(cause, Exception) else error)


def _watermark(message: Message) -> str | None:
    """A reread stands above its change, so that a late copy of the change is refused."""
    if message.number is None:
        return None
    return mark_above(message.number) if message.kind == REREAD else mark(message.number)
