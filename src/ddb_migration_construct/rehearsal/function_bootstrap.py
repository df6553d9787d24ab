"""The runtime of functions in the rehearsal: Lambda's Runtime API with the standard library only.

Put into each function's package and started by its ``bootstrap``. MiniStack's own Python worker names every
error ``Runtime.HandlerError``, so that Retry and Catch by type would never match; this one reports what
Lambda's Python runtime reports. Source: AWS Lambda Developer Guide, "Using the Lambda runtime API".
"""

from __future__ import annotations

import http.client
import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

_INVOCATION = "/2018-06-01/runtime/invocation/"


class Context:
    """The context object of one invocation."""

    identity = None
    client_context = None

    def __init__(self, headers: Any) -> None:
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/" + self.function_name)
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", "")
        self._deadline = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function's time-out."""
        return max(0, self._deadline - int(time.time() * 1000))


def _described(error: BaseException) -> dict[str, Any]:
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "stackTrace": traceback.format_tb(error.__traceback__)[1:],
    }


def _load_handler() -> Callable[[Any, Context], Any]:
    module, _, name = os.environ["_HANDLER"].rpartition(".")
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    handler: Callable[[Any, Context], Any] = getattr(importlib.import_module(module.replace("/", ".")), name)
    return handler


class Runtime:
    """Asks for invocations, one after the other, and sends back results or errors."""

    def __init__(self) -> None:
        self._connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
        self._handler: Callable[[Any, Context], Any] | None = None
        self._init_error: dict[str, Any] | None = None

    def load(self) -> None:
        """Import the handler; an error is reported by every invocation, as Lambda does."""
        try:
            self._handler = _load_handler()
        except Exception as error:  # noqa: BLE001  whatever the user's module raises is the function's own error
            self._init_error = _described(error)
            traceback.print_exc()

    def _call(self, method: str, path: str, body: bytes | None = None) -> tuple[Any, bytes]:
        self._connection.request(method, path, body)
        response = self._connection.getresponse()
        return response.headers, response.read()

    def serve_one(self) -> None:
        """Wait for one invocation and answer it."""
        headers, event = self._call("GET", _INVOCATION + "next")
        kind, content = self._outcome(event, Context(headers))
        # After a silent invocation MiniStack waits 50 ms for a line of log; an empty one spares that.
        print(flush=True)
        sys.stderr.flush()
        self._call("POST", f"{_INVOCATION}{headers['Lambda-Runtime-Aws-Request-Id']}/{kind}", content)

    def _outcome(self, event: bytes, context: Context) -> tuple[str, bytes]:
        if self._handler is None:
            return "error", json.dumps(self._init_error).encode()
        try:
            return "response", json.dumps(self._handler(json.loads(event), context)).encode()
        except Exception as error:  # noqa: BLE001  whatever the handler raises is the function's own error
            traceback.print_exc()
            return "error", json.dumps(_described(error)).encode()


def main() -> None:
    """Serve until the process is ended."""
    runtime = Runtime()
    runtime.load()
    while True:
        runtime.serve_one()


if __name__ == "__main__":
    main()
