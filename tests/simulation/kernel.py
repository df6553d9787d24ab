"""Virtual time, and tasks of which one runs at a time: one seed decides every order."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet

Argument = TypeVar("Argument")
Result = TypeVar("Result")


class Killed(BaseException):
    """Unwinds a task that has ended from outside; no product code catches it."""


class EndlessRun(Exception):
    """The run went on for longer than any migration may."""


class Event:
    """Something that happens at a moment of virtual time, unless it is cancelled."""

    __slots__ = ("act",)

    def __init__(self, act: Callable[[], object] | None) -> None:
        self.act = act

    def cancel(self) -> object:
        self.act = None
        return None


class Thread(greenlet):  # type: ignore[misc]  # greenlet has no types
    """A stack on which one task after the other runs; `task` is the one that has it."""

    task: Task | None = None

    def run(self) -> None:
        """Run tasks for ever; only the hub switches to a thread, and each task ends by a switch to the hub."""
        while True:
            if self.task is not None:
                self.task.live()
            self.task = None
            _FREE.append(self)
            self.parent.switch()


# A new stack costs more than most tasks do on it, so they are kept, from run to run.
_FREE: list[Thread] = []


class Task:
    """Code that runs until it sleeps; `then` is called once when it has ended, with the task."""

    __slots__ = ("_body", "_running", "_thread", "error", "finished", "killed", "owner", "result", "then")

    def __init__(
        self, kernel: Kernel, body: Callable[[], Any], owner: Any, then: Callable[[Task], None] | None
    ) -> None:
        self.owner = owner
        self.then = then
        self.result: Any = None
        self.error: Exception | None = None
        self.finished = False
        self.killed = False
        self._body = body
        self._running = kernel.tasks
        self._running[self] = None
        self._thread: Thread | None = None

    def live(self) -> None:
        """Do what the task is for, to its end; only its thread may call this."""
        try:
            self.result = self._body()
        except Killed:
            self.killed = True
        except Exception as error:  # noqa: BLE001  whoever waits for the task gets it
            self.error = error
        self.finished = True
        self._thread = None
        self._running.pop(self, None)
        if self.then is not None:
            self.then(self)

    def act(self) -> None:
        """Go on; only the hub may call this."""
        if self.finished:
            return
        if self._thread is None:
            self._thread = _FREE.pop() if _FREE else Thread()
            self._thread.task = self
        self._thread.switch()

    def throw(self) -> None:
        """Unwind the task where it stands; only the hub may call this."""
        if self.finished:
            return
        if self._thread is not None:
            self._thread.throw(Killed)
            return
        self.finished = self.killed = True
        self._running.pop(self, None)
        if self.then is not None:
            self.then(self)


class Kernel:
    """The clock (epoch seconds) and the queue of events."""

    def __init__(self, start: float, most_events: int) -> None:
        self.now = start
        self.events = 0
        self._most_events = most_events
        self._heap: list[tuple[float, int, Event | Task]] = []
        self._order = itertools.count()
        self.hub = getcurrent()
        self.tasks: dict[Task, None] = {}

    def clock(self) -> float:
        """Return the moment, for the product's `clock` parameters."""
        return self.now

    def at(self, moment: float, act: Callable[[], object]) -> Event:
        """Let something happen at a moment."""
        event = Event(act)
        heapq.heappush(self._heap, (moment, next(self._order), event))
        return event

    def after(self, seconds: float, act: Callable[[], object]) -> Event:
        """Let something happen after some seconds."""
        return self.at(self.now + seconds, act)

    def spawn(
        self, body: Callable[[], Any], owner: Any = None, then: Callable[[Task], None] | None = None, delay: float = 0.0
    ) -> Task:
        """Start a task; it first runs when the hub comes to it."""
        task = Task(self, body, owner, then)
        self._wake(task, self.now + delay)
        return task

    def _wake(self, task: Task, moment: float) -> None:
        heapq.heappush(self._heap, (moment, next(self._order), task))

    def kill(self, task: Task) -> None:
        """End a task where it stands."""
        self.after(0.0, task.throw)

    def sleep(self, seconds: float) -> None:
        """Let time pass for the running task; others run meanwhile where they are due."""
        until = self.now + (seconds if seconds > 0 else 0.0)
        heap = self._heap
        while heap and heap[0][2].act is None:
            heapq.heappop(heap)
        if not heap or heap[0][0] > until:
            # Nobody else is due: no need to leave the task.
            self.now = until
            return
        current: Any = getcurrent()
        heapq.heappush(heap, (until, next(self._order), current.task))
        self.hub.switch()

    def wait(self, ready: Callable[[], bool], seconds: float, look: float = 1.0) -> bool:
        """Let the running task wait for something; False when it did not come about in time."""
        until = self.now + seconds
        while not ready():
            if self.now >= until:
                return False
            self.sleep(look)
        return True

    def answer_of(self, begin: Callable[[Callable[[Any], None]], object]) -> Any:
        """Let the running task wait for the first answer that `begin` gets from what it starts."""
        current: Any = getcurrent()
        waiting: Task = current.task
        answers: list[Any] = []

        def answer(value: Any) -> None:
            answers.append(value)
            if len(answers) == 1:
                self._wake(waiting, self.now)

        begin(answer)
        self.hub.switch()
        return answers[0]

    def join(self, task: Task, seconds: float) -> bool:
        """Let the running task wait for another; False when it has not ended in time."""
        if task.finished:
            return True

        def begin(answer: Callable[[Any], None]) -> None:
            timer = self.after(seconds, lambda: answer(None))
            task.then = lambda _: answer(timer.cancel())

        self.answer_of(begin)
        return task.finished

    def each(self, function: Callable[[Argument], Result], arguments: Iterable[Argument]) -> list[Result]:
        """Call a function for each argument side by side, as a thread pool's `map` does."""
        given = list(arguments)
        if len(given) < 2:
            return [function(argument) for argument in given]
        current: Any = getcurrent()
        waiting: Task = current.task
        left = len(given)

        def ended(_: Task) -> None:
            nonlocal left
            left -= 1
            if not left:
                self._wake(waiting, self.now)

        tasks = [self.spawn(_bound(function, argument), waiting.owner, ended) for argument in given]
        if waiting.owner is not None:
            waiting.owner.tasks.extend(tasks)
        self.hub.switch()
        for task in tasks:
            if task.error is not None:
                raise task.error
            if task.killed:
                raise Killed
        return [task.result for task in tasks]

    def run(self, last: Task) -> None:
        """Let everything happen in its order until a task has ended or nothing is left to happen."""
        heap, pop = self._heap, heapq.heappop
        while heap and not last.finished:
            moment, _, event = pop(heap)
            if event.act is None:
                continue
            self.events += 1
            if self.events > self._most_events:
                raise EndlessRun(f"more than {self._most_events} events")
            if moment > self.now:
                self.now = moment
            event.act()

    def end(self) -> None:
        """Unwind every task that still stands somewhere."""
        self._heap.clear()
        for task in list(self.tasks):
            task.then = None
            task.throw()
        self.tasks.clear()


def _bound(function: Callable[[Argument], Result], argument: Argument) -> Callable[[], Result]:
    return lambda: function(argument)
