"""Simulated Glue: one run at a time, tasks that Spark runs again, and runs that end while their tasks write on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tests.simulation.failures import refused
from tests.simulation.faults import Faults
from tests.simulation.kernel import Kernel, Task
from tests.simulation.services import Calls, Paginator

LIVE = ("STARTING", "RUNNING", "STOPPING", "WAITING")
# Spark, spark.task.maxFailures.
ATTEMPTS = 4

Driver = Callable[["JobRun", dict[str, str]], None]


class TaskFailed(Exception):
    """A Spark task has failed for good."""


class JobRun:
    """One run of a job; its driver and its tasks are processes of their own."""

    longest_stall = 100.0

    def __init__(self, glue: Glue, job: str, number: int, arguments: dict[str, str]) -> None:
        self.id = f"run-{number}"
        self.job = job
        self.state = "STARTING"
        self.error: str | None = None
        self.tasks: list[Task] = []
        self._glue = glue
        self._kernel = glue.kernel
        self._arguments = arguments
        self.started = glue.kernel.now
        delay = glue.faults.draws("glue").uniform(5, 90)
        self._kernel.after(delay, self._begin)

    def _begin(self) -> None:
        if self.state != "STARTING":
            return
        self.state = "RUNNING"
        self._glue.told("glue", f"{self.id} runs")
        body = self._glue.drivers[self.job]
        self._driver = self._kernel.spawn(lambda: body(self, self._arguments), None, self._ended)
        if self._glue.faults.at("glue-run-fails", 0.15):
            seconds = self._glue.faults.draws("glue-run-fails").choice((5.0, 60.0, 600.0))
            self._kernel.after(seconds, lambda: self.lose("FAILED"))

    def _ended(self, task: Task) -> None:
        if self.state in LIVE:
            self.state = "FAILED" if task.error else "STOPPED" if task.killed else "SUCCEEDED"
            self.error = f"{type(task.error).__name__}: {task.error}" if task.error else None
            self._glue.told("glue", f"{self.id} {self.state} {self.error or ''}")
            if task.error is not None:
                self._glue.failed(task.error)

    def lose(self, state: str) -> None:
        """End the run; the tasks run on for as long as they find something to do."""
        if self.state in LIVE:
            self.state, self.error = state, "the driver is gone"
            self._glue.told("glue", f"{self.id} {state}, its tasks write on")
            self._kernel.kill(self._driver)

    def stop(self) -> None:
        """Stop the run; its tasks end a little later, one by one."""
        if self.state == "STARTING":
            self.state = "STOPPED"
        elif self.state == "RUNNING":
            self.state = "STOPPING"
            self._kernel.after(self._glue.faults.draws("glue").uniform(1, 120), self._stopped)

    def _stopped(self) -> None:
        if self.state == "STOPPING":
            self._kernel.kill(self._driver)
            for task in self.tasks:
                self._kernel.after(self._glue.faults.draws("glue").uniform(0, 60), task.throw)

    def spread(self, function: Callable[[Any], int], shares: Iterable[Any]) -> int:
        """Run a function over shares of the work, as Spark does: each up to four times."""
        return sum(self._kernel.each(lambda share: self._share(function, share), list(shares)))

    def _share(self, function: Callable[[Any], int], share: Any) -> int:
        for _ in range(ATTEMPTS):
            done = self._attempt(function, share)
            if done is not None:
                return done
        raise TaskFailed(f"a task failed {ATTEMPTS} times")

    def _attempt(self, function: Callable[[Any], int], share: Any) -> int | None:
        executor = Executor(self._kernel, lambda: function(share))
        self.tasks.append(executor.task)
        patience, draws = 30 * 86400.0, self._glue.faults.draws("spark-task-fails")
        if self._glue.faults.at("spark-task-fails", 0.05):
            patience = draws.choice((1.0, 30.0, 300.0))
            # Spark gives a task up because its machine no longer answers: it limps, or is gone.
            executor.limps = True
            if draws.random() < 0.5:
                self._kernel.after(patience, executor.crash)
        self._kernel.join(executor.task, patience)
        if executor.task.error is not None:
            self._glue.failed(executor.task.error)
        return executor.task.result if executor.task.finished else None


class Executor:
    """The process in which one attempt at a Spark task runs."""

    longest_stall = JobRun.longest_stall

    def __init__(self, kernel: Kernel, body: Callable[[], int]) -> None:
        self._kernel = kernel
        self.limps = False
        self.frozen_until = 0.0
        self.tasks: list[Task] = []
        self.task = kernel.spawn(body, self)
        self.tasks.append(self.task)

    def freeze(self, seconds: float) -> None:
        """Let the whole process stand still."""
        self.frozen_until = max(self.frozen_until, self._kernel.now + seconds)

    def crash(self) -> None:
        """End the process."""
        for task in self.tasks:
            self._kernel.kill(task)


class Glue:
    """All runs of the two jobs."""

    def __init__(self, kernel: Kernel, faults: Faults, told: Callable[[str, str], None]) -> None:
        self.kernel = kernel
        self.faults = faults
        self.told = told
        self.drivers: dict[str, Driver] = {}
        self.runs: list[JobRun] = []
        self.most_runs = 1
        self.failed: Callable[[Exception], None] = lambda error: None

    def start(self, job: str, arguments: dict[str, str]) -> JobRun:
        """Start a run; raises ConcurrentRunsExceededException while another is alive."""
        if sum(run.job == job and run.state in LIVE for run in self.runs) >= self.most_runs:
            raise refused("ConcurrentRunsExceededException", "Concurrent runs exceeded", "StartJobRun")
        run = JobRun(self, job, len(self.runs) + 1, arguments)
        self.runs.append(run)
        return run


class GlueClient:
    """The client `glue`."""

    def __init__(self, glue: Glue, calls: Calls) -> None:
        self._glue = glue
        self._calls = calls

    def get_paginator(self, operation: str) -> Paginator:
        return Paginator(self._runs)

    def _runs(self, JobName: str) -> dict[str, Any]:  # noqa: N803
        def effect() -> dict[str, Any]:
            rows = [{"Id": run.id, "JobRunState": run.state} for run in self._glue.runs if run.job == JobName]
            return {"JobRuns": rows}

        return self._calls.make("GetJobRuns", effect)

    def batch_stop_job_run(self, JobName: str, JobRunIds: list[str]) -> dict[str, Any]:  # noqa: N803
        def effect() -> dict[str, Any]:
            for run in self._glue.runs:
                if run.id in JobRunIds:
                    run.stop()
            return {}

        return self._calls.make("BatchStopJobRun", effect)
