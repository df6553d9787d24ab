"""Progress: phases are timed, and shown as lines or live."""

from __future__ import annotations

import io

import pytest

from ddb_migration_construct.cli.live_view import LiveView
from ddb_migration_construct.cli.view import LineView, view_for
from ddb_migration_construct.rehearsal.progress import Progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_phases_are_timed_also_when_they_fail() -> None:
    progress = Progress(LineView(io.StringIO()))
    with progress.phase("seed"):
        pass
    with pytest.raises(RuntimeError), progress.phase("migrate"):
        raise RuntimeError
    assert list(progress.phases) == ["seed", "migrate"]
    assert all(0 <= seconds < 1 for seconds in progress.phases.values())


def test_lines_bear_the_seconds_since_the_start() -> None:
    stream = io.StringIO()
    with Progress(LineView(stream)) as progress:
        progress.say("state Settle")
        progress.record("synthesise", 4.26)
    assert stream.getvalue().splitlines() == ["[   0.0 s] state Settle", "[   0.0 s] synthesise: 4.3 s"]


def test_lines_show_counts_now_and_then() -> None:
    stream = io.StringIO()
    view = LineView(stream)
    for count in range(100):
        view.show({"applied": count, "queued": 3})
    assert stream.getvalue() == "[   0.0 s] applied 0 · queued 3\n"


def test_a_terminal_gets_the_live_view_and_a_file_gets_lines() -> None:
    live = view_for(Terminal())
    live.close()
    assert isinstance(live, LiveView)
    assert isinstance(view_for(io.StringIO()), LineView)


def test_the_live_view_keeps_events_and_takes_running_phases_away() -> None:
    terminal = Terminal()
    with Progress(LiveView(terminal)) as progress, progress.phase("migrate"):
        progress.show({"applied": 5})
        progress.say("state [Drain]")
    assert "state [Drain]" in terminal.getvalue()
    assert "✓ migrate" in terminal.getvalue()
