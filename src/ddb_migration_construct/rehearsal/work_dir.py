"""The folder in which one rehearsal keeps everything that it writes."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ddb_migration_construct.cli.failures import CommandFailed

_REMOVALS = 20


@contextmanager
def work_dir(*, keep: bool) -> Iterator[Path]:
    """Make a folder among the temporary ones, and remove it at the end unless it shall be kept.

    Raises CommandFailed where no program may run among them.
    """
    require_programs(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix="ddb-migration-rehearsal-"))
    try:
        yield folder
    finally:
        if keep:
            print(f"kept: {folder}")
        else:
            _remove(folder)


def require_programs(temporary: Path) -> None:
    """Raise CommandFailed where a file system lets no program run: functions and libraries of Spark are such."""
    # macOS has no flag for it.
    if os.statvfs(temporary).f_flag & getattr(os, "ST_NOEXEC", 0):
        raise CommandFailed(
            f"{temporary} is mounted noexec, and a rehearsal runs its functions from there; set TMPDIR to a folder "
            "where programs may run"
        )


def _remove(folder: Path) -> None:
    # More than once, because a process that was killed may finish a write after its end was asked for.
    for _ in range(_REMOVALS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)
