"""How a command says that it could not do what was asked: one line on standard error and an exit code."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec

import typer

# What scripts may rely on; typer itself ends with 2 when a command is called wrongly, and Ctrl-C with 130.
FAILED = 1
REFUSED = 3
NEEDS_YOU = 4

EXIT_CODES = (
    "Exit codes: 0 done; 1 failed, or something was named that is not there; 2 called wrongly; 3 the migration "
    "refuses; 4 a migration that was followed has stopped and needs you. Of several migrations the highest counts."
)

# By the error's code, or its class.
_CONCURRENCY = "The account's concurrent executions of functions are all in use; try again in a moment"
_RIGHTS = "The construct's grant_read and grant_operate give a role what these commands need"
_ADVICE = {
    "NoRegionError": "Set AWS_REGION, or AWS_PROFILE to a profile that has one",
    "NoCredentialsError": "Sign in, or set AWS_PROFILE",
    "ExpiredToken": "Sign in again",
    "ExpiredTokenException": "Sign in again",
    "ThrottlingException": "Others call as often; try again. A migration that is named by its ARN takes fewer calls",
    "TooManyRequestsException": _CONCURRENCY,
    "AccessDenied": _RIGHTS,
    "AccessDeniedException": _RIGHTS,
}

# By which AWS says that it has too much to do, whatever the status of the answer.
_BUSY = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)

Arguments = ParamSpec("Arguments")


class CommandFailed(Exception):
    """What is wrong, in the user's words; the command ends with `exit_code` (1 unless given)."""

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def reported(command: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """Return the command so that CommandFailed, and what AWS refuses, becomes a line and the exit code."""

    @functools.wraps(command)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        try:
            with aws_errors():
                command(*args, **kwargs)
        except CommandFailed as failed:
            typer.echo(f"ddb-migration: {failed}", err=True)
            raise typer.Exit(failed.exit_code) from failed

    return run


def require(extra: str, *modules: str) -> None:
    """Raise CommandFailed unless the modules, which this extra brings, can be imported."""
    for module in modules:
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as missing:
            raise CommandFailed(
                f"this command needs the module {missing.name!r}; install ddb-migration-construct[{extra}]"
            ) from missing


@contextmanager
def aws_errors() -> Iterator[None]:
    """Turn what boto3 raises (no credentials, no Region, access denied ...) into CommandFailed."""
    require("cli", "boto3")
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise CommandFailed(f"AWS: {error}{_advice(error)}") from error


def is_passing(error: Exception) -> bool:
    """Tell whether AWS may answer the same call in a moment: it was not reached, is too busy, or failed."""
    # Imported here so that the other commands start quickly.
    from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= 500 or error.response.get("Error", {}).get("Code") in _BUSY
    return isinstance(error, (ConnectionError, HTTPClientError))


def _advice(error: Exception) -> str:
    """Return what to do about what a new operator meets first."""
    code = getattr(error, "response", {}).get("Error", {}).get("Code") or type(error).__name__
    return f" {_ADVICE[code]}." if code in _ADVICE else ""
