"""Flow: how much one task offers the destination, learnt from what the destination takes."""

from __future__ import annotations

from dataclasses import dataclass, field

FIRST_LANES = 4.0
MOST_LANES = 64.0
# Throttled tasks offer this much more than was taken lately: enough to find what becomes free, and little waste.
OFFER = 1.06
# Where nothing was throttled the offer grows faster.
GROWTH = 1.15
# Now and then much more is offered: where throttling has another reason than the table's capacity (one hot key, say),
# more is taken then, and the offer goes on growing.
PROBE = 1.25
PROBE_EVERY = 8
IMPROVED = 1.1
LEAST_PER_SECOND = 5.0
# What one judgement rests on: this many seconds and requests, or the longer time.
JUDGED_SECONDS = 0.25
JUDGED_REQUESTS = 8
LONGEST_SECONDS = 4.0


@dataclass
class Flow:
    """The requests in flight (`lanes`) and, once the destination throttles, the items offered a second (`rate`).

    A throttled item costs a request and no capacity, so the offer follows what is taken: with too many tasks for
    few partitions each task's share is less than one request in flight.
    """

    lanes: float = FIRST_LANES
    rate: float | None = None
    _free_at: float = field(default=float("-inf"), init=False)
    _since: float | None = field(default=None, init=False)
    _taken: int = field(default=0, init=False)
    _left: int = field(default=0, init=False)
    _requests: int = field(default=0, init=False)
    _was_held: bool = field(default=False, init=False)
    _judgements: int = field(default=0, init=False)
    _before_probe: float | None = field(default=None, init=False)

    def wait(self, now: float) -> float:
        """Return the seconds until the next request may be sent."""
        if self.rate is None or self._free_at <= now:
            return 0.0
        self._was_held = True
        return self._free_at - now

    def sent(self, items: int, now: float) -> None:
        """Take note of a request."""
        if self.rate is not None:
            self._free_at = max(self._free_at, now - 0.01) + items / self.rate
        if self._since is None:
            self._since = now

    def answered(self, items: int, left: int, idle: int, now: float) -> None:
        """Take note of an answer: how many items were sent, how many of them were left, how many lanes were idle."""
        self._taken += items - left
        self._left += left
        self._requests += 1
        if self.lanes < MOST_LANES and not left and idle <= 1:
            self._widen()
        seconds = 0.0 if self._since is None else now - self._since
        if seconds >= JUDGED_SECONDS and (self._requests >= JUDGED_REQUESTS or seconds >= LONGEST_SECONDS):
            self._judge(seconds)
            self._since, self._taken, self._left, self._requests, self._was_held = now, 0, 0, 0, False

    def failed(self) -> None:
        """Take note of a failure that says nothing of capacity: a server's, or a connection's."""
        self.lanes = max(1.0, self.lanes / 2)

    def _widen(self) -> None:
        self.lanes = min(MOST_LANES, self.lanes + (1.0 if self.rate is None else 1.0 / self.lanes))

    def _judge(self, seconds: float) -> None:
        if seconds <= 0.0:
            return
        taken = self._taken / seconds
        if self._left:
            self.rate = max(LEAST_PER_SECOND, taken * self._offer(taken))
        elif self.rate is not None and self._was_held:
            self.rate *= GROWTH
        elif self.rate is not None and self.rate > 4 * taken:
            self.rate = None

    def _offer(self, taken: float) -> float:
        """Return how much more than what was taken is offered next."""
        self._judgements += 1
        before = self._before_probe
        has_improved = before is not None and taken > IMPROVED * before
        is_probe = has_improved or self._judgements % PROBE_EVERY == 0
        self._before_probe = taken if is_probe else None
        return PROBE if is_probe else OFFER
