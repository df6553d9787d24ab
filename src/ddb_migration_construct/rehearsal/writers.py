"""The live writers: they change the source while the migration runs, at a rate, and count their writes."""

from __future__ import annotations

import threading
import time
from typing import Any

from ddb_migration_construct.rehearsal.items import Items
from ddb_migration_construct.rehearsal.write_plan import Act, WritePlan

_STOP_WITHIN_SECONDS = 60.0
# A writer that fell further behind than this does not catch up, so that the rate is never exceeded for long.
_MOST_BEHIND_SECONDS = 1.0


class WriterFailed(Exception):
    """A live writer could not write to the source, so the rehearsal proves nothing."""


class Writers:
    """Threads that write to one table at a joint rate in writes per second; a rate of 0 writes nothing.

    Use as a context manager: leaving it stops the writers.
    """

    def __init__(
        self,
        client: Any,
        table: str,
        items: Items,
        *,
        population: int,
        writes_per_second: float,
        count: int = 3,
    ) -> None:
        self._client = client
        self._table = table
        self._seconds_per_write = count / writes_per_second if writes_per_second > 0 else 0.0
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._writes = 0
        self._failure: Exception | None = None
        plans = [WritePlan(items, population, writer) for writer in range(count)] if writes_per_second > 0 else []
        self._threads = [threading.Thread(target=self._run, args=(plan,), daemon=True) for plan in plans]

    def __enter__(self) -> Writers:
        """Start writing."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop writing, without raising what a writer met."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(_STOP_WITHIN_SECONDS)

    @property
    def writes(self) -> int:
        """The number of writes that the source has taken."""
        return self._writes

    def check(self) -> None:
        """Raise WriterFailed when a writer has met an error."""
        if self._failure is not None:
            raise WriterFailed(f"a live writer could not write to the source: {self._failure}") from self._failure

    def stop(self) -> int:
        """Stop writing and return the number of writes.

        Raises WriterFailed when a writer met an error or does not end.
        """
        self.__exit__()
        self.check()
        if any(thread.is_alive() for thread in self._threads):
            raise WriterFailed(f"a live writer did not end within {_STOP_WITHIN_SECONDS:.0f} s")
        return self._writes

    def _run(self, plan: WritePlan) -> None:
        due = time.monotonic()
        try:
            for act in plan:
                if self._stopping.wait(max(0.0, due - time.monotonic())):
                    return
                self._perform(act)
                due = max(due, time.monotonic() - _MOST_BEHIND_SECONDS) + len(act) * self._seconds_per_write
        except Exception as error:  # noqa: BLE001  raised again by `check`
            self._failure = error
            self._stopping.set()

    def _perform(self, act: Act) -> None:
        for write in act:
            getattr(self._client, write.method)(TableName=self._table, **write.arguments)
            with self._lock:
                self._writes += 1
