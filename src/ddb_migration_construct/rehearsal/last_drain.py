"""The last drain: after the writers have stopped, wait until every change of the source has been settled.

The change queue's counts alone cannot tell, because a change may not have reached the queue yet, and the
migration's own counts cannot either, because a repeated batch counts twice. So the source's stream is read
directly: each key's newest change must have a watermark at or above its number, and the queue must be empty.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

_POLL_SECONDS = 0.5
# The stream's batching window is 2 s; so a path whose queue is empty and on which nothing has moved for this long
# moves no more.
QUIET_SECONDS = 15.0
# A message whose write got no answer, or whose invocation died, comes back when its visibility time-out of 180 s has
# passed; the queue's counts hold it meanwhile.
STALLED_SECONDS = 240.0


class NotDrained(Exception):
    """The change queue did not become empty in time."""


@dataclass(frozen=True)
class Moment:
    """What the path holds at one moment: messages in the queue, changes settled, and keys still unsettled."""

    queued: int
    counted: int
    unsettled: int


def unsettled(newest: Mapping[Hashable, int], watermarks: Mapping[Hashable, int]) -> int:
    """Return how many keys have a newest change that no watermark covers."""
    return sum(1 for key, number in newest.items() if watermarks.get(key, -1) < number)


def wait_for_last_drain(
    observe: Callable[[], Moment],
    on_progress: Callable[[Moment], None],
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Wait until nothing is left, and return how many keys were left unsettled when all had become quiet.

    A number above zero means that changes were lost on the way: the comparison will say which items it cost.
    Raises NotDrained when messages stay in the queue and nothing moves for four minutes.
    """
    last, moved_at = observe(), clock()
    while True:
        on_progress(last)
        if last.queued == 0 and last.unsettled == 0:
            return 0
        still = clock() - moved_at
        if last.queued == 0 and still >= QUIET_SECONDS:
            return last.unsettled
        if still >= STALLED_SECONDS:
            raise NotDrained(
                f"the change queue still holds {last.queued} messages, "
                f"but nothing has moved for {STALLED_SECONDS:.0f} s"
            )
        sleep(_POLL_SECONDS)
        now = observe()
        last, moved_at = now, (clock() if now != last else moved_at)
