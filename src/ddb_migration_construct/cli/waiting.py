"""Waiting for what goes on in AWS, until somebody interrupts the command."""

from __future__ import annotations

import threading

from ddb_migration_construct.cli.failures import CommandFailed

_interrupted = threading.Event()


def wait(seconds: float) -> None:
    """Wait; raises CommandFailed once the command was interrupted.

    Ctrl-C reaches the main thread only, and the command ends when the last thread has ended.
    """
    if _interrupted.wait(seconds):
        raise CommandFailed("interrupted; what was begun goes on in your account")


def interrupt() -> None:
    """Let every thread that waits, or would, give up."""
    _interrupted.set()
