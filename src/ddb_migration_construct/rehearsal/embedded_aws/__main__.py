"""Start the embedded AWS, say on standard output where it listens, end when standard input closes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import traceback
from typing import TYPE_CHECKING

from .settings import ACCOUNT_ID, REGION, ROOT_KEY, Settings

if TYPE_CHECKING:
    import socket


def _prepare_environment(settings: Settings, port: int) -> None:
    """Set what MiniStack and moto read at import, so that nothing leaves the machine or the directory."""
    # Functions inherit the environment, and must not find this package.
    os.environ.pop("PYTHONPATH", None)
    os.environ.update(
        AUTH="true",
        BIND_HOST="127.0.0.1",
        GATEWAY_PORT=str(port),
        MINISTACK_HOST="127.0.0.1",
        MINISTACK_ACCOUNT_ID=ACCOUNT_ID,
        MINISTACK_REGION=REGION,
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        STATE_DIR=str(settings.work_dir / "state"),
        LOG_LEVEL=os.environ.get("LOG_LEVEL", "WARNING"),
        AWS_ACCESS_KEY_ID=ROOT_KEY,
        AWS_SECRET_ACCESS_KEY=ROOT_KEY,
        AWS_DEFAULT_REGION=REGION,
        AWS_REGION=REGION,
        AWS_EC2_METADATA_DISABLED="true",
        AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}",
    )


def _install(settings: Settings) -> None:
    from . import (
        cloud_formation_types,
        dynamodb_tables,
        event_source_mappings,
        glue_runs,
        iam_rules,
        queue_faults,
        state_machines,
        table_policies,
    )
    from .faults import faults_of

    faults = faults_of(settings)
    iam_rules.install()
    table_policies.install()
    cloud_formation_types.install()
    dynamodb_tables.install(settings, faults)
    queue_faults.install(faults)
    glue_runs.install(settings, faults)
    state_machines.install(settings)
    event_source_mappings.install(settings, faults)


def _stop_when_told(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    def wait_for_the_parent() -> None:
        while sys.stdin.buffer.read(65536):
            pass
        loop.call_soon_threadsafe(stop.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    threading.Thread(target=wait_for_the_parent, name="parent", daemon=True).start()


async def _run(settings: Settings, bound: socket.socket) -> None:
    from .server import serve

    def say_ready() -> None:
        print(json.dumps({"port": bound.getsockname()[1], "pid": os.getpid()}), flush=True)

    stop = asyncio.Event()
    _stop_when_told(asyncio.get_running_loop(), stop)
    _install(settings)
    await serve(bound, say_ready, stop)


def main() -> None:
    """Run until told to stop, then end every process that was started here."""
    from .processes import end_session
    from .server import free_socket

    settings = Settings.from_environment()
    bound = free_socket()
    _prepare_environment(settings, bound.getsockname()[1])
    status = 1
    try:
        asyncio.new_event_loop().run_until_complete(_run(settings, bound))
        status = 0
    except BaseException:  # noqa: BLE001  reported here, since os._exit leaves nobody else to report it
        traceback.print_exc()
    finally:
        end_session()
        sys.stdout.flush()
        # Not sys.exit: threads of the interpreter and the pollers may be inside a call, and nobody waits.
        os._exit(status)


if __name__ == "__main__":
    main()
