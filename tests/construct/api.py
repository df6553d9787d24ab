"""The surface that teams build on, as text: what the package exports, and every command with its options."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

import ddb_migration_construct

API = Path(__file__).parent / "api.txt"
_PACKAGE = "ddb_migration_construct"


def listing() -> str:
    """Return the listing, a line for each thing that may not change unannounced."""
    lines = [line for name in ddb_migration_construct.__all__ for line in _exported(name)]
    return "\n".join([*lines, *_commands()]) + "\n"


def _exported(name: str) -> Iterator[str]:
    value: Any = getattr(ddb_migration_construct, name)
    if not inspect.isclass(value):
        yield f"{name}: {type(value).__name__}"
        return
    yield f"class {name}"
    for parameter in list(inspect.signature(value.__init__).parameters.values())[1:]:
        yield f"  prop {parameter}" if parameter.kind is parameter.KEYWORD_ONLY else f"  argument {parameter}"
    # What it inherits from the CDK is the CDK's surface.
    ours = [base for base in value.__mro__ if base.__module__.startswith(_PACKAGE)]
    for member, found in sorted({name: found for base in reversed(ours) for name, found in vars(base).items()}.items()):
        if not member.startswith("_"):
            yield f"  {_member(member, found)}"


def _member(name: str, found: Any) -> str:
    if isinstance(found, property):
        returned = inspect.signature(found.fget).return_annotation if found.fget else "?"
        return f"property {name} -> {returned}"
    return f"method {name}{inspect.signature(found)}"


def _commands() -> Iterator[str]:
    from ddb_migration_construct.cli.main import app

    group: Any = typer.main.get_command(app)
    for name in sorted(group.commands):
        yield f"ddb-migration {name}"
        for parameter in group.commands[name].params:
            yield f"  {'/'.join([*parameter.opts, *parameter.secondary_opts])}"


def main() -> None:
    """Write the listing anew."""
    API.write_text(listing())


if __name__ == "__main__":
    main()
