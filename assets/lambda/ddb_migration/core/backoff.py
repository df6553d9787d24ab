"""Waits between attempts at a call that may succeed later."""

from __future__ import annotations

import random

BASE_SECONDS = 0.05
CAP_SECONDS = 5.0


def backoff_seconds(attempt: int, draw: float | None = None) -> float:
    """Return the wait before attempt `attempt` + 1 (from 0): exponential, full jitter, at most 5 s.

    `draw` in [0, 1) replaces the random draw.
    """
    spread = random.random() if draw is None else draw  # noqa: S311  jitter needs no secrecy
    return spread * min(CAP_SECONDS, BASE_SECONDS * 2.0 ** min(attempt, 16))
