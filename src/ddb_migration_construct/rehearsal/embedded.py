"""The embedded AWS seen from outside: started, reached on one loopback port, ended with all its processes."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import IO, Any, cast

from .class_archive import class_archive, java_home
from .embedded_aws.settings import REGION, ROOT_KEY, SETTINGS_VARIABLE
from .embedded_environment import embedded_python

_HERE = Path(__file__).resolve().parent
_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_KEPT_FOR_THE_CHILD = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LOG_LEVEL")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


class EmbeddedAwsFailed(Exception):
    """The embedded AWS did not start; the message ends with its log."""


def _own_environment(inherited: dict[str, str]) -> dict[str, str]:
    """What keeps every AWS SDK from looking for other keys, profiles or proxies."""
    kept = {name: value for name, value in inherited.items() if not name.startswith("AWS_") and name not in _PROXIES}
    return {
        **kept,
        "AWS_ACCESS_KEY_ID": ROOT_KEY,
        "AWS_SECRET_ACCESS_KEY": ROOT_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "*",
        "no_proxy": "*",
    }


def _session() -> Any:
    """Return a session that looks at no profile and no file of the user's: one that is not there would be an error."""
    import boto3
    import botocore.session

    files = dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))
    deaf = botocore.session.Session(session_vars={**files, "profile": (None, None, None, None)})
    return boto3.session.Session(botocore_session=deaf)


class EmbeddedAws:
    """An AWS of one account and Region on 127.0.0.1, with IAM enforced; use it as a context manager.

    ``wait_scale`` multiplies the waits of state machines and retries, not time-outs.
    ``faults`` (none, light or heavy) are injected from a seed and counted in ``faults``.
    Logs of the embedded AWS and of job runs lie in ``work_dir``.
    """

    def __init__(self, work_dir: Path, *, wait_scale: float = 0.01, faults: str = "none", fault_seed: int = 0) -> None:
        self.work_dir = work_dir.resolve()
        self.url = ""
        self._wait_scale = wait_scale
        self._faults = faults
        self._fault_seed = fault_seed
        self._child: subprocess.Popen[bytes] | None = None
        self._session: Any = None
        self._clients: dict[str, Any] = {}
        self._making = threading.Lock()

    @property
    def log(self) -> Path:
        """What the embedded AWS itself has to say."""
        return self.work_dir / "embedded-aws.log"

    @property
    def faults(self) -> dict[str, int]:
        """How many faults were injected so far, by kind."""
        record = self.work_dir / "faults.log"
        return dict(Counter(record.read_text().splitlines())) if record.exists() else {}

    def __enter__(self) -> EmbeddedAws:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def _child_environment(self) -> dict[str, str]:
        folders = {name: self.work_dir / name for name in ("home", "tmp")}
        for folder in folders.values():
            folder.mkdir(parents=True, exist_ok=True)
        settings = {
            "work_dir": str(self.work_dir),
            "wait_scale": self._wait_scale,
            "faults": self._faults,
            "fault_seed": self._fault_seed,
            "python": sys.executable,
            "java_home": java_home(),
            "class_archive": class_archive(),
            "glue_shim": str(_HERE / "glue_shim"),
        }
        kept = {name: os.environ[name] for name in _KEPT_FOR_THE_CHILD if name in os.environ}
        return {
            **_own_environment(kept),
            "HOME": str(folders["home"]),
            "TMPDIR": str(folders["tmp"]),
            "PYTHONPATH": str(_HERE),
            SETTINGS_VARIABLE: json.dumps(settings),
        }

    def _start(self) -> None:
        environment = self._child_environment()
        with self.log.open("wb") as log:
            self._child = subprocess.Popen(
                [str(embedded_python()), "-m", "embedded_aws"],
                env=environment,
                cwd=self.work_dir,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        self.url = f"http://127.0.0.1:{self._await_ready(self._child)['port']}"

    def _await_ready(self, child: subprocess.Popen[bytes]) -> dict[str, Any]:
        output = cast("IO[bytes]", child.stdout)
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until and child.poll() is None:
            if select.select([output], [], [], 0.2)[0]:
                line = output.readline()
                if line:
                    ready: dict[str, Any] = json.loads(line)
                    return ready
        raise EmbeddedAwsFailed(
            f"The embedded AWS did not start within {_START_SECONDS:g} s. Its log ({self.log}) ends with:\n"
            f"{self.log.read_text(errors='replace')[-2000:]}"
        )

    def _stop(self) -> None:
        """Ask the child to end its processes and itself; kill its process group if it does not."""
        child = self._child
        if child is None:
            return
        self._child = None
        with contextlib.suppress(BrokenPipeError):
            cast("IO[bytes]", child.stdin).close()
        try:
            child.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        finally:
            cast("IO[bytes]", child.stdout).close()

    def environment(self) -> dict[str, str]:
        """``os.environ`` without any AWS setting or proxy, with fake keys and this endpoint for every service."""
        return {**_own_environment(dict(os.environ)), "AWS_ENDPOINT_URL": self.url}

    def client(self, service: str) -> Any:
        """A boto3 client of the service as the account's root; made once, safe to share between threads."""
        with self._making:
            if service not in self._clients:
                self._clients[service] = self._new_client(service)
            return self._clients[service]

    def _new_client(self, service: str) -> Any:
        from botocore.config import Config

        if self._session is None:
            self._session = _session()
        return self._session.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=ROOT_KEY,
            aws_secret_access_key=ROOT_KEY,
            config=Config(max_pool_connections=50, read_timeout=960, proxies={}),
        )
