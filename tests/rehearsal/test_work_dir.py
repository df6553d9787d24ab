"""Where a rehearsal writes."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from ddb_migration_construct.cli.failures import CommandFailed
from ddb_migration_construct.rehearsal.work_dir import require_programs, work_dir


def test_the_folder_goes_with_all_that_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with work_dir(keep=False) as folder:
        (folder / "logs").mkdir()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("is_refused", [True, False])
def test_a_folder_that_lets_no_program_run_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_refused: bool
) -> None:
    monkeypatch.setattr(os, "ST_NOEXEC", 8, raising=False)
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=8 if is_refused else 1))
    with pytest.raises(CommandFailed, match="is mounted noexec, .* set TMPDIR") if is_refused else nullcontext():
        require_programs(tmp_path)
