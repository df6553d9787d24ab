"""Ending processes, each by its own id: function workers, Spark drivers, JVMs, Python daemons."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator

import psutil

_GRACE_SECONDS = 3.0


def _kill(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    killed = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
            killed.append(process)
    return killed


def end_tree(pid: int) -> None:
    """Kill the process and everything below it; what appears meanwhile is killed too."""
    try:
        top = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return
    while True:
        below = top.children(recursive=True) if top.is_running() else []
        gone = _kill([*below, top])
        psutil.wait_procs(gone, timeout=_GRACE_SECONDS)
        if not below:
            return


@contextlib.contextmanager
def paused(pid: int) -> Iterator[None]:
    """Stop the process and everything below it, and let them go on after the block."""
    stopped: list[psutil.Process] = []
    with contextlib.suppress(psutil.NoSuchProcess):
        top = psutil.Process(pid)
        for process in [top, *top.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()
                stopped.append(process)
    try:
        yield
    finally:
        for process in stopped:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()


def _same_session(process: psutil.Process, session: int) -> bool:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        return os.getsid(process.pid) == session
    return False


def session_members() -> list[psutil.Process]:
    """Every other process of this process's session, orphans of its workers among them."""
    session = os.getsid(0)
    return [
        process for process in psutil.process_iter() if process.pid != os.getpid() and _same_session(process, session)
    ]


def end_session() -> None:
    """Kill every other process of this session; call it only as the session's leader."""
    if os.getsid(0) != os.getpid():
        psutil.wait_procs(_kill(psutil.Process().children(recursive=True)), timeout=_GRACE_SECONDS)
        return
    for _ in range(5):
        members = session_members()
        if not members:
            return
        psutil.wait_procs(_kill(members), timeout=_GRACE_SECONDS)
