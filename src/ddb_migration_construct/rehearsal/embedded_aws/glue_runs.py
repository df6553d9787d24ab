"""Glue: job runs of type ``glueetl`` are local PySpark processes; everything else is MiniStack's.

What differs from AWS: ``local[2]`` on one machine whatever the worker type; no DynamicFrame, no connectors,
no bookmarks, no MaxRetries, no ``--additional-python-modules``; a run starts within a second. The argument
``--settle_seconds``, for which VerifyJob waits, is scaled as waits are.
"""

from __future__ import annotations

import threading
import time
import uuid
from typing import Any

from .faults import SLOW_START, Faults
from .services import Answer, Request, ServiceError, answered, off_the_loop, put_in_front
from .settings import Settings
from .spark_process import SparkProcess

_LIVE_STATES = {"STARTING", "RUNNING", "STOPPING", "WAITING"}
_DEFAULT_TIMEOUT_MINUTES = 2880
_SLOW_START_SECONDS = 5.0
_SETTLE_SECONDS = "--settle_seconds"

_runs: dict[str, list[dict[str, Any]]] = {}
_processes: dict[str, SparkProcess] = {}
_lock = threading.RLock()


def _new_run(job: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    now = time.time()
    own = {name: job[name] for name in _COPIED_FROM_JOB if job.get(name) is not None}
    return {
        "Id": "jr_" + uuid.uuid4().hex,
        "Attempt": 0,
        "JobName": job["Name"],
        "StartedOn": now,
        "LastModifiedOn": now,
        "JobRunState": "STARTING",
        "Arguments": given.get("Arguments", {}),
        "PredecessorRuns": [],
        "ExecutionTime": 0,
        "Timeout": given.get("Timeout") or job.get("Timeout") or _DEFAULT_TIMEOUT_MINUTES,
        **own,
        **{name: given[name] for name in _COPIED_FROM_JOB if given.get(name) is not None},
    }


_COPIED_FROM_JOB = ("WorkerType", "NumberOfWorkers", "MaxCapacity", "GlueVersion", "SecurityConfiguration")


def _check_concurrency(job: dict[str, Any]) -> None:
    limit = (job.get("ExecutionProperty") or {}).get("MaxConcurrentRuns") or 1
    live = [run for run in _runs.get(job["Name"], []) if run["JobRunState"] in _LIVE_STATES]
    if len(live) >= limit:
        raise ServiceError("ConcurrentRunsExceededException", f"Concurrent runs exceeded for {job['Name']}")


def _arguments(job: dict[str, Any], run: dict[str, Any], wait_scale: float) -> dict[str, str]:
    arguments = {
        **(job.get("DefaultArguments") or {}),
        "--JOB_NAME": job["Name"],
        "--JOB_RUN_ID": run["Id"],
        **run["Arguments"],
    }
    if _SETTLE_SECONDS in arguments:
        arguments[_SETTLE_SECONDS] = str(float(arguments[_SETTLE_SECONDS]) * wait_scale)
    return arguments


def _set_state(run: dict[str, Any], state: str, message: str = "") -> None:
    with _lock:
        now = time.time()
        run.update(JobRunState=state, LastModifiedOn=now, ExecutionTime=int(now - run["StartedOn"]))
        if message:
            run["ErrorMessage"] = message
        if state not in _LIVE_STATES:
            run["CompletedOn"] = now
            _processes.pop(run["Id"], None)


def _start(settings: Settings, faults: Faults, job: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    with _lock:
        _check_concurrency(job)
        run = _new_run(job, given)
        _runs.setdefault(job["Name"], []).append(run)
        process = SparkProcess(settings, faults, job, run["Id"], _arguments(job, run, settings.wait_scale))
        _processes[run["Id"]] = process
    threading.Thread(target=_execute, args=(run, process, faults), name=run["Id"], daemon=True).start()
    return {"JobRunId": run["Id"]}


def _execute(run: dict[str, Any], process: SparkProcess, faults: Faults) -> None:
    try:
        if faults.strike(SLOW_START):
            faults.wait(SLOW_START, _SLOW_START_SECONDS)
        process.start()
        if run["JobRunState"] == "STARTING":
            _set_state(run, "RUNNING")
        _set_state(run, *process.outcome(run["Timeout"] * 60))
    except Exception as error:  # noqa: BLE001
        # The thread's only reader is GetJobRun, which must see why the run failed.
        _set_state(run, "FAILED", f"{type(error).__name__}: {error}")


def _run(job_name: str, run_id: str) -> dict[str, Any]:
    for run in _runs.get(job_name, []):
        if run["Id"] == run_id:
            return run
    raise ServiceError("EntityNotFoundException", f"Job run {run_id} of {job_name} not found.")


def _list(given: dict[str, Any]) -> dict[str, Any]:
    newest_first = list(reversed(_runs.get(given["JobName"], [])))
    first = int(given.get("NextToken") or 0)
    last = first + (given.get("MaxResults") or 200)
    token = {"NextToken": str(last)} if last < len(newest_first) else {}
    return {"JobRuns": newest_first[first:last], **token}


def _stop(given: dict[str, Any]) -> dict[str, Any]:
    submitted, errors = [], []
    for run_id in given["JobRunIds"]:
        problem = _stop_one(given["JobName"], run_id)
        entry: dict[str, Any] = {"JobName": given["JobName"], "JobRunId": run_id}
        if problem is None:
            submitted.append(entry)
        else:
            errors.append({**entry, "ErrorDetail": problem})
    return {"SuccessfulSubmissions": submitted, "Errors": errors}


def _stop_one(job_name: str, run_id: str) -> dict[str, str] | None:
    with _lock:
        try:
            run = _run(job_name, run_id)
        except ServiceError as error:
            return {"ErrorCode": error.code, "ErrorMessage": str(error)}
        if run["JobRunState"] not in ("STARTING", "RUNNING"):
            return {
                "ErrorCode": "InvalidInputException",
                "ErrorMessage": f"Job run {run_id} is {run['JobRunState']}",
            }
        process = _processes[run_id]
        _set_state(run, "STOPPING")
    threading.Thread(target=process.stop, name=f"stop-{run_id}", daemon=True).start()
    return None


def _perform(
    settings: Settings, faults: Faults, action: str, job: dict[str, Any], given: dict[str, Any]
) -> dict[str, Any]:
    if action == "StartJobRun":
        return _start(settings, faults, job, given)
    if action == "BatchStopJobRun":
        return _stop(given)
    if action == "GetJobRun":
        return {"JobRun": _run(given["JobName"], given["RunId"])}
    return _list(given)


def install(settings: Settings, faults: Faults) -> None:
    """Run Spark jobs here; python shell jobs and all other operations stay with MiniStack."""

    async def answer(request: Request) -> Answer:
        if request.action not in ("StartJobRun", "BatchStopJobRun", "GetJobRun", "GetJobRuns"):
            return await request.passed_on()
        given = request.json()
        job = (await request.call("GetJob", JobName=given.get("JobName")))["Job"]
        if job["Command"]["Name"] != "glueetl":
            return await request.passed_on()
        return answered(await off_the_loop(_perform, settings, faults, request.action, job, given))

    put_in_front("glue", answer)
