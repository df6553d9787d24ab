"""Simulated Lambda invocations: they crash, time out, start late, and run on after Lambda gave them up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from tests.simulation.faults import Faults
from tests.simulation.kernel import Event, Kernel, Task

Made = TypeVar("Made")
Result = TypeVar("Result")
Body = Callable[["Invocation"], Any]


class Failure(Exception):
    """How an invocation failed: `name` is what Step Functions and a mapping see."""

    def __init__(self, name: str, text: str = "") -> None:
        super().__init__(f"{name}: {text}" if text else name)
        self.name = name
        self.text = text


class Invocation:
    """One run of a function; `ended(result, failure)` is called once, when Lambda knows how it went."""

    longest_stall = 40.0

    def __init__(self, function: Function, body: Body, ended: Callable[[Any, Failure | None], None]) -> None:
        self.function = function
        self._ended: Callable[[Any, Failure | None], None] | None = ended
        self._kernel = function.kernel
        self._until = self._kernel.now + function.timeout
        self.tasks: list[Task] = [self._kernel.spawn(lambda: body(self), self, self._finished)]
        self._time_out: Event = self._kernel.at(self._until, self._timed_out)
        function.running += 1

    def remaining(self) -> float:
        """Return the seconds until Lambda ends the invocation."""
        return self._until - self._kernel.now

    def give_up(self) -> None:
        """Let Lambda take the invocation for failed while it runs on."""
        self._answer(None, Failure("Lambda.Unknown", "the connection to the function was lost"))

    def crash(self) -> None:
        """End the process: nothing of it goes on."""
        self._stop(Failure("Runtime.ExitError", "the process ended"))

    def _timed_out(self) -> None:
        self._stop(Failure("Sandbox.Timedout", f"after {self.function.timeout} s"))

    def _stop(self, failure: Failure) -> None:
        for task in self.tasks:
            self._kernel.kill(task)
        self._answer(None, failure)

    def _finished(self, task: Task) -> None:
        self._time_out.cancel()
        self.function.running -= 1
        if task.error is not None:
            self.function.failed(task.error)
            self._answer(None, Failure(type(task.error).__name__, str(task.error)))
        elif not task.killed:
            self._answer(task.result, None)

    def _answer(self, result: Any, failure: Failure | None) -> None:
        ended, self._ended = self._ended, None
        if ended is not None:
            ended(result, failure)


class Function:
    """One function: its time-out in seconds, and what it does with an event."""

    def __init__(
        self, kernel: Kernel, faults: Faults, name: str, timeout: float, handler: Callable[[Any, Invocation], Any]
    ) -> None:
        self.kernel = kernel
        self.arn = f"arn:aws:lambda:eu-west-1:111111111111:function:{name}"
        self.timeout = timeout
        self.running = 0
        self.failed: Callable[[Exception], None] = lambda error: None
        self._faults = faults
        self._handler = handler

    def invoke(self, event: Any, ended: Callable[[Any, Failure | None], None]) -> None:
        """Invoke the function; starts late at times, and is given up early at times."""
        delay = 0.0
        if self._faults.at("late-start", 0.01):
            delay = self._faults.draws("late-start").uniform(1, 110)
        self.running += 1
        self.kernel.after(delay, lambda: self._start(event, ended))

    def _start(self, event: Any, ended: Callable[[Any, Failure | None], None]) -> None:
        self.running -= 1
        invocation = Invocation(self, lambda me: self._handler(event, me), ended)
        if self._faults.at("zombie", 0.01):
            self.kernel.after(self._faults.draws("zombie").uniform(0.01, 5), invocation.give_up)


class Containers(Generic[Made]):
    """What the processes of a function have made at their start; each serves one invocation at a time."""

    def __init__(self, make: Callable[[], Made]) -> None:
        self._make = make
        self._idle: list[Made] = []

    def serve(self, work: Callable[[Made], Result]) -> Result:
        """Let a process serve an invocation; it serves others, unless this one ends it (by `Killed`)."""
        made = self._idle.pop() if self._idle else self._make()
        try:
            result = work(made)
        except Exception:
            # Whatever the product raised: Lambda lets the process serve the next invocation.
            self._idle.append(made)
            raise
        self._idle.append(made)
        return result
