"""``getResolvedOptions`` as Glue's library has it, as far as names and values go."""

from __future__ import annotations

import argparse


class GlueArgumentError(Exception):
    """A required argument is missing, or has no value."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]  # argparse would end the process
        raise GlueArgumentError(message)


# Glue resolves these even when the script does not ask for them.
_ALWAYS = ("JOB_NAME", "JOB_ID", "JOB_RUN_ID", "SECURITY_CONFIGURATION", "TempDir")


def getResolvedOptions(args: list[str], options: list[str]) -> dict[str, str]:  # noqa: N802  (Glue's name)
    """The values of the named options; an option that is not given raises GlueArgumentError."""
    parser = _Parser(allow_abbrev=False)
    for option in options:
        parser.add_argument("--" + option, dest=option, required=True)
    for option in _ALWAYS:
        if option not in options:
            parser.add_argument("--" + option, dest=option, required=False)
    known, _ = parser.parse_known_args(args[1:])
    return {name: value for name, value in vars(known).items() if value is not None}
