"""Pace: how long to wait so that a rate is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Pace:
    """Spends units at a rate; idle time is not saved up for bursts."""

    clock: Callable[[], float]
    sleep: Callable[[float], object]
    _free_at: float = field(default=float("-inf"), init=False)

    def wait(self) -> None:
        """Wait until what was spent before has been earned."""
        now = self.clock()
        if self._free_at > now:
            self.sleep(self._free_at - now)

    def spend(self, units: float, units_per_second: float) -> None:
        """Account for units just used, at the rate that holds now."""
        self._free_at = max(self._free_at, self.clock()) + units / units_per_second
