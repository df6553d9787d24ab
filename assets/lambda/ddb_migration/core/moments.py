"""Moments in words."""

from __future__ import annotations

import time


def utc(moment: float | None) -> str:
    """Return epoch seconds as `2026-01-31 14:05:00 UTC`."""
    return "an unknown time" if moment is None else time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(moment))
