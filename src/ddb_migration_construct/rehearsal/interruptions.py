"""Ctrl-C, termination and a terminal that closes: each ends the rehearsal in good order.

Never between a start and its note.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_NOHUP = (signal.SIGHUP, signal.SIG_IGN)


class Interruptions:
    """Turns the first of the signals into KeyboardInterrupt and ignores later ones, so that ending is not cut short.

    A context manager, for the main thread only; leaving it restores what was there before.
    """

    def __init__(self) -> None:
        self._held = False
        self._came = False
        self._raised = False
        self._before: dict[int, Callable[[int, FrameType | None], Any] | int | None] = {}

    def __enter__(self) -> Interruptions:
        """Take the signals over."""
        # Under nohup the terminal may close.
        numbers = [number for number in _SIGNALS if (number, signal.getsignal(number)) != _NOHUP]
        self._before = {number: signal.signal(number, self._handle) for number in numbers}
        return self

    def __exit__(self, *_: object) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold an interruption back until the end of the block.

        For the moments in which a process has been started and nothing yet knows that it must be ended.
        """
        self._held = True
        try:
            yield
        finally:
            self._held = False
            self._raise_once()

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self._came = True
        if not self._held:
            self._raise_once()

    def _raise_once(self) -> None:
        if self._came and not self._raised:
            self._raised = True
            raise KeyboardInterrupt
