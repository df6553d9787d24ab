"""An interrupted rehearsal: exit code 130, and nothing is left running or lying about."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from ddb_migration_construct.rehearsal.interruptions import Interruptions
from ddb_migration_construct.rehearsal.key_shape import KeyShape
from ddb_migration_construct.rehearsal.options import RehearsalOptions
from ddb_migration_construct.rehearsal.progress import Progress
from ddb_migration_construct.rehearsal.rehearsing import Rehearsing
from ddb_migration_construct.rehearsal.synthesis import SynthesisFailed
from ddb_migration_construct.rehearsal.verdict import Findings

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(180)]

_CODE = "from ddb_migration_construct.cli.main import main; main()"


@pytest.mark.parametrize(
    ("phase", "signal_number"),
    [
        ("state Settle", signal.SIGINT),
        pytest.param("state Settle", signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param("state DirectMigrationJob", signal.SIGINT, marks=pytest.mark.slow),
        pytest.param("start ...", signal.SIGINT, marks=pytest.mark.slow),
        pytest.param("start ...", signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param("deploy ...", signal.SIGINT, marks=pytest.mark.slow),
    ],
)
def test_nothing_is_left_after_an_interruption(tmp_path: Path, phase: str, signal_number: int) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-u", "-c", _CODE, "rehearse", "--items", "50"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as rehearsal:
        assert rehearsal.stdout is not None
        seen = next((line for line in rehearsal.stdout if phase in line), "")
        assert seen, "the phase was never reached"
        children = psutil.Process(rehearsal.pid).children(recursive=True)
        rehearsal.send_signal(signal_number)
        rest = rehearsal.stdout.read()
        assert rehearsal.wait(60) == 130
    assert "interrupted; everything that was started has ended" in rest
    assert not psutil.wait_procs(children, timeout=5)[1]
    assert _left_over(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


class ClosedOutput:
    """A view that nobody reads any more when a rehearsal comes to its end."""

    def begin(self, phase: str) -> None:
        if phase == "end":
            raise BrokenPipeError

    def __getattr__(self, _: str) -> Any:
        return lambda *_: None


class Unsynthesised:
    """An app that fails, once the embedded AWS has started."""

    name, mode = None, "direct"

    def assemble(self, _: Progress) -> None:
        raise SynthesisFailed

    def __getattr__(self, name: str) -> Any:
        # It fails before anything else is asked of it.
        raise NotImplementedError(name)


def test_nothing_runs_on_when_nobody_reads_the_output(tmp_path: Path) -> None:
    before = set(psutil.Process().children(recursive=True))
    options = RehearsalOptions(1, 0, "direct", KeyShape.parse("s"), seed=1)
    progress, findings = Progress(ClosedOutput()), Findings("direct", 1)
    rehearsing = Rehearsing(Unsynthesised(), tmp_path, options, progress, findings, Interruptions())
    with pytest.raises(BrokenPipeError):
        rehearsing.run()
    assert "start" in progress.phases
    assert set(psutil.Process().children(recursive=True)) == before


def _left_over(folder: Path) -> list[str]:
    """Processes that mention the folder, which those of this rehearsal do."""
    time.sleep(0.5)
    running = (process.info for process in psutil.process_iter(["pid", "cmdline"]))
    return [" ".join(one["cmdline"]) for one in running if str(folder) in " ".join(one["cmdline"] or [])]
