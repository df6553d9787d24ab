"""The epoch that is open already: who runs it, and whether capture has a hole."""

from __future__ import annotations

from collections.abc import Iterator

from ddb_migration.core.continuity import STREAM_SECONDS
from ddb_migration.core.findings import Finding
from ddb_migration.core.setup import Setup

_START_ANEW = "Give it up, empty the destination and start again"


def epoch(setup: Setup) -> Iterator[Finding]:
    """Find what keeps an open epoch from going on."""
    if setup.running_execution:
        stop = f"aws stepfunctions stop-execution --region {setup.home.region} --execution-arn"
        yield Finding(
            "already-running",
            f"the execution {setup.running_execution} is already running this migration",
            "Let it go on, or stop it first",
            (f"{stop} {setup.running_execution}",),
        )
    if setup.record.is_open:
        yield from _replaced(setup)
        yield from _gap(setup)


def _replaced(setup: Setup) -> Iterator[Finding]:
    if setup.source is not None and setup.source.stream_arn != setup.record.stream_arn:
        yield Finding(
            "stream-replaced",
            f"the source's stream was {setup.record.stream_arn} when capture began and is now "
            f"{setup.source.stream_arn}; changes between the two are lost to this migration",
            _START_ANEW,
            (f"ddb-migration abort {setup.migration}",),
        )


def _gap(setup: Setup) -> Iterator[Finding]:
    """Capture that stood still for longer than the stream keeps its records has lost some."""
    if setup.captured_until is not None and setup.now - setup.captured_until >= STREAM_SECONDS:
        hours = (setup.now - setup.captured_until) / 3600
        yield Finding(
            "stream-gap",
            f"capture has stood still for {hours:.1f} hours, and the stream keeps its records for 24",
            _START_ANEW,
            (f"ddb-migration abort {setup.migration}",),
        )
