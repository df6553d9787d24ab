"""The folder in which one rehearsal keeps everything that it writes."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_REMOVALS = 20


@contextmanager
def work_dir(*, keep: bool) -> Iterator[Path]:
    """Make a folder among the temporary ones, and remove it at the end unless it shall be kept."""
    folder = Path(tempfile.mkdtemp(prefix="ddb-migration-rehearsal-"))
    try:
        yield folder
    finally:
        if keep:
            print(f"kept: {folder}")
        else:
            _remove(folder)


def _remove(folder: Path) -> None:
    # More than once, because a process that was killed may finish a write after its end was asked for.
    for _ in range(_REMOVALS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)
