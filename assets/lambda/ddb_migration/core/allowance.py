"""An allowance of capacity units a second, reserved before a request and settled when its cost is known."""

from __future__ import annotations

from dataclasses import dataclass, field

# Time not used is saved up for no longer than this, or for as long as one request lasts where that is longer, up to a
# second: enough to make good a late wake-up, too little for a burst. A page of a Scan is some 130 units at once, so a
# task with a small share of the rate wakes once in a second, and what it wakes too late would be lost each time.
SAVED_SECONDS = 0.1
MOST_SAVED_SECONDS = 1.0
# What the first requests cost nobody knows: until the first answer each counts for so much, so that the next one begins
# so much later. They are a few then, and no more where they turn out to be dear.
FIRST_SECONDS = 0.05
# A table that throttles is asked for half as much from then on. Requests under way side by side are throttled together,
# and count as one; what was taken off comes back over minutes, so that whoever else needs the table has it meanwhile.
THROTTLED_TOGETHER_SECONDS = 1.0
LEAST_SHARE = 1 / 32
RECOVERY_SECONDS = 120.0


@dataclass
class Allowance:
    """Units that may be spent; `rate` is in units a second, None where there is no limit.

    It is the most: after throttling a share of it is left out for a while.
    """

    rate: float | None = None
    _estimate: float = field(default=0.0, init=False)
    _free_at: float = field(default=float("-inf"), init=False)
    _share: float = field(default=1.0, init=False)
    _throttled_at: float = field(default=float("-inf"), init=False)

    def per_second(self, now: float) -> float | None:
        """Return the units a second that may be spent now, None where there is no limit."""
        return None if self.rate is None else self.rate * self._share_at(now)

    def throttled(self, now: float) -> None:
        """Take note that the table throttled a request; what was reserved for it stays spent."""
        if now - self._throttled_at >= THROTTLED_TOGETHER_SECONDS:
            self._share = max(LEAST_SHARE, self._share_at(now) / 2)
            self._throttled_at = now

    def _share_at(self, now: float) -> float:
        return min(1.0, self._share + (now - self._throttled_at) / RECOVERY_SECONDS)

    def wait(self, now: float) -> float:
        """Return the seconds until the next request may be made."""
        return 0.0 if self.rate is None else max(0.0, self._free_at - now)

    def reserve(self, now: float, expected: float = 0.0) -> float:
        """Reserve what a request will cost, judging by those before it; `settle` wants the figure back.

        `expected` are the units that whoever makes the request expects, 0 for no idea.
        """
        rate = self.per_second(now)
        if rate is None:
            return self._estimate
        reserved = expected or self._estimate or FIRST_SECONDS * rate
        self._spend(reserved, now, rate)
        return reserved

    def settle(self, reserved: float, units: float, now: float) -> None:
        """Account for what a request has cost; nothing where it failed."""
        rate = self.per_second(now)
        if rate is not None:
            self._spend(units - reserved, now, rate)
        if units:
            self._estimate = 0.8 * self._estimate + 0.2 * units if self._estimate else units

    def _spend(self, units: float, now: float, rate: float) -> None:
        saved = max(SAVED_SECONDS, min(MOST_SAVED_SECONDS, self._estimate / rate))
        self._free_at = max(self._free_at, now - saved) + units / rate
