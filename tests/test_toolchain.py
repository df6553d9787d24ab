"""Which Node and which Java are taken, by what the machine has and what the wheels bring."""

import os
import sys
from pathlib import Path

import pytest

from ddb_migration_construct import toolchain
from ddb_migration_construct.toolchain import ToolNotFoundError, find_java, find_node, jsii_environment


class Machine:
    """A machine whose PATH and JAVA_HOME hold nothing but what a test installs."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.patch = patch
        patch.setenv("PATH", str(folder / "bin"))
        patch.delenv("JAVA_HOME", raising=False)

    def program(self, path: Path, *lines: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The shell's own `echo`: nothing else is on PATH.
        path.write_text("\n".join(["#!/bin/sh", *(f"echo '{line}' >&2" for line in lines)]))
        path.chmod(0o755)
        return path

    def node(self, version: str) -> Path:
        return self.program(self.folder / "bin" / "node", version)

    def node_wheel(self, version: str | None) -> Path | None:
        path = self.program(self.folder / "wheel" / "node", version) if version else None
        self.patch.setattr(toolchain, "_node_of_wheel", lambda: str(path) if path else None)
        return path

    def java(self, specification: str, where: str = "bin") -> Path:
        home = self.folder / f"java-{specification}"
        settings = [f"    java.home = {home}", f"    java.specification.version = {specification}"]
        self.program(self.folder / where / "java", *settings)
        return home

    def java_wheel(self, home: Path | None) -> Path | None:
        self.patch.setattr(toolchain, "_java_of_wheel", lambda: home)
        return home


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


@pytest.mark.parametrize("version", ["v22.1.0", "v24.19.0", "v26.0.0"])
def test_supported_node_of_the_machine_comes_first(machine: Machine, version: str) -> None:
    machine.node_wheel("v24.0.0")
    assert find_node() != machine.folder / "bin" / "node"
    assert machine.node(version) == find_node()


def test_node_of_the_wheel_comes_before_an_old_one(machine: Machine) -> None:
    machine.node("v20.20.2")
    assert machine.node_wheel("v24.0.0") == find_node()


def test_old_node_is_better_than_none(machine: Machine) -> None:
    machine.node_wheel(None)
    assert machine.node("v20.20.2") == find_node()


@pytest.mark.parametrize("version", ["v18.19.0", "no version", "v"])
def test_node_that_cannot_be_used_is_refused(machine: Machine, version: str) -> None:
    machine.node(version)
    machine.node_wheel(None)
    with pytest.raises(ToolNotFoundError, match="install Node 24"):
        find_node()


def test_no_node_is_told(machine: Machine) -> None:
    machine.node_wheel(None)
    with pytest.raises(ToolNotFoundError, match="no Node 20 or newer was found on PATH"):
        find_node()


def test_java_17_of_java_home_comes_first(machine: Machine) -> None:
    machine.java("11")
    home = machine.java("17", where="elsewhere/bin")
    machine.patch.setenv("JAVA_HOME", str(machine.folder / "elsewhere"))
    machine.java_wheel(machine.folder / "wheel")
    assert find_java() == home


def test_java_17_on_path_comes_before_another_in_java_home(machine: Machine) -> None:
    machine.java("21", where="elsewhere/bin")
    machine.patch.setenv("JAVA_HOME", str(machine.folder / "elsewhere"))
    assert machine.java("17") == find_java()


@pytest.mark.parametrize("specification", ["1.8", "11", "21"])
def test_java_of_the_wheel_comes_before_another_version(machine: Machine, specification: str) -> None:
    machine.java(specification)
    wheel = machine.java_wheel(machine.folder / "wheel")
    assert find_java() == wheel


@pytest.mark.parametrize("specification", ["1.8", "11"])
def test_java_that_spark_runs_on_is_better_than_none(machine: Machine, specification: str) -> None:
    machine.java_wheel(None)
    assert machine.java(specification) == find_java()


@pytest.mark.parametrize("specification", ["21", "9"])
def test_java_that_spark_does_not_run_on_is_refused(machine: Machine, specification: str) -> None:
    machine.java(specification)
    machine.java_wheel(None)
    with pytest.raises(ToolNotFoundError, match=r"ddb-migration-construct\[rehearsal\]"):
        find_java()


def test_environment_keeps_what_is_written_out_of_the_home_folder(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = machine.node("v22.23.3")
    monkeypatch.setattr(sys, "prefix", str(machine.folder / "environment"))
    monkeypatch.delenv("JSII_RUNTIME_PACKAGE_CACHE_ROOT")
    kept = machine.folder / "environment" / "share" / "ddb-migration"
    assert jsii_environment() == {
        "JSII_NODE": str(node),
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "22",
        "HOME": str(kept / "home"),
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(kept / "jsii"),
    }
    assert (kept / "home").is_dir()


def test_package_cache_that_someone_chose_is_kept(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.node("v22.23.3")
    monkeypatch.setattr(sys, "prefix", str(machine.folder / "environment"))
    monkeypatch.setenv("JSII_RUNTIME_PACKAGE_CACHE_ROOT", os.devnull)
    assert jsii_environment()["JSII_RUNTIME_PACKAGE_CACHE_ROOT"] == os.devnull


def test_outside_a_virtual_environment_nothing_is_moved(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.node("v22.23.3")
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    assert set(jsii_environment()) == {"JSII_NODE", "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"}


def test_an_environment_that_cannot_be_written_to_is_left_as_it_is(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.node("v22.23.3")
    # No folder can be made here, whoever asks.
    (machine.folder / "share").write_text("")
    monkeypatch.setattr(sys, "prefix", str(machine.folder))
    assert set(jsii_environment()) == {"JSII_NODE", "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"}
