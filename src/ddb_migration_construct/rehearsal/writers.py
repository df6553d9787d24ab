"""The live writers: they change a table while the migration runs, at a rate, and note what they were answered."""

from __future__ import annotations

import threading
import time
from typing import Any

from botocore.exceptions import ClientError

from ddb_migration_construct.rehearsal.answered import Answered
from ddb_migration_construct.rehearsal.items import Items
from ddb_migration_construct.rehearsal.write_plan import Act, Write, WritePlan

_DENIED = "AccessDeniedException"
_STOP_WITHIN_SECONDS = 60.0
# A writer that fell further behind than this does not catch up, so that the rate is never exceeded for long.
_MOST_BEHIND_SECONDS = 1.0


class WriterFailed(Exception):
    """A live writer could not write to its table, so the rehearsal proves nothing."""


class Writers:
    """Threads that write to one table at a joint rate in writes per second; a rate of 0 writes nothing.

    Use as a context manager: leaving it stops the writers. `answered` is what each key was answered last, and
    `refusals` are the moments (epoch seconds) at which the present table denied a write. The first table may deny
    writes; one that they switch to may not, until `may_be_denied` is set.
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
        self._pens = threading.Semaphore(count)
        self._count = count
        self.may_be_denied = True
        self._is_held = False
        self._held_at_the_end = False
        self._writes = self._writes_elsewhere = 0
        self.refusals: list[float] = []
        self.answered = Answered()
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
        if self._is_held:
            self._held_at_the_end = True
            self._release()
        for thread in self._threads:
            thread.join(_STOP_WITHIN_SECONDS)

    @property
    def writes(self) -> int:
        """The number of writes that were taken."""
        return self._writes

    @property
    def writes_here(self) -> int:
        """The number of writes that the present table has taken."""
        return self._writes - self._writes_elsewhere

    @property
    def is_writing(self) -> bool:
        """Tell whether anything is written at all."""
        return bool(self._threads)

    def hold(self) -> None:
        """Let no write begin, and wait until none is under way."""
        for _ in range(self._count):
            self._pens.acquire()
        self._is_held = True

    def switch_to(self, table: str) -> None:
        """Go on with another table, after `hold`."""
        self._table, self.may_be_denied, self.refusals = table, False, []
        self._writes_elsewhere = self._writes
        self._release()

    def _release(self) -> None:
        self._is_held = False
        for _ in range(self._count):
            self._pens.release()

    def check(self) -> None:
        """Raise WriterFailed when a writer has met an error."""
        if self._failure is not None:
            raise WriterFailed(f"a live writer could not write to {self._table}: {self._failure}") from self._failure

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
            with self._pens:
                if self._held_at_the_end:
                    return
                self._write(write)

    def _write(self, write: Write) -> None:
        with self.answered.writing(write.key) as note:
            try:
                answer = getattr(self._client, write.method)(TableName=self._table, **write.arguments)
            except ClientError as error:
                self._take_refusal(error)
                return
            # A put leaves what it was given, an update what it answers, and a delete nothing.
            note(write.arguments.get("Item") or answer.get("Attributes"))
        with self._lock:
            self._writes += 1

    def _take_refusal(self, error: ClientError) -> None:
        if error.response["Error"]["Code"] != _DENIED or not self.may_be_denied:
            raise error
        with self._lock:
            self.refusals.append(time.time())
