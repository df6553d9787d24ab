"""Work in processes that go when it is done, a few side by side."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Generator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Generic, TypeVar

Share = TypeVar("Share")
Result = TypeVar("Result")

# A process of its own knows at once all that this one has imported and bound.
_FORK = multiprocessing.get_context("fork")


class Processes(Generic[Share, Result]):
    """Processes that each do one share of some work, at most `most` at a time."""

    def __init__(self, work: Callable[[Share], Result], most: int) -> None:
        self._work = work
        self._most = most
        self._running: dict[Connection, tuple[int, BaseProcess]] = {}
        self._done: dict[int, Result] = {}

    def results(self, shares: Sequence[Share]) -> Generator[Result, None, None]:
        """Yield the result of each share, in their order; no more are begun once nobody asks for results.

        Raises ChildProcessError when a process ended without one; its traceback is in stderr.
        """
        begun = 0
        try:
            for place in range(len(shares)):
                while place not in self._done:
                    while begun < len(shares) and len(self._running) < self._most:
                        self._begin(begun, shares[begun])
                        begun += 1
                    self._collect()
                yield self._done.pop(place)
        finally:
            self._end()

    def _begin(self, place: int, share: Share) -> None:
        receiver, sender = _FORK.Pipe(duplex=False)
        process = _FORK.Process(target=self._tell, args=(share, sender), daemon=True)
        process.start()
        # Only the process holds the sender now, so that its end is seen as the end of what can be received.
        sender.close()
        self._running[receiver] = (place, process)

    def _tell(self, share: Share, sender: Connection) -> None:
        sender.send(self._work(share))

    def _collect(self) -> None:
        ready = wait(list(self._running))
        for receiver in [one for one in self._running if one in ready]:
            place, process = self._running.pop(receiver)
            try:
                self._done[place] = receiver.recv()
            except EOFError:
                process.join()
                raise ChildProcessError(f"share {place} ended with {process.exitcode} and no result") from None
            process.join()

    def _end(self) -> None:
        for _, process in self._running.values():
            process.kill()
            process.join()
        self._running.clear()
