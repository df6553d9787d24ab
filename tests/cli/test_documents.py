"""Every command that README and docs give to paste is one that the command line understands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from ddb_migration_construct.cli.main import app

CHECKOUT = Path(__file__).resolve().parents[2]
DOCUMENTS = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)
GROUP = typer.main.get_group(app)


def commands(document: Path) -> Iterator[str]:
    """Yield the lines of a document's console blocks that call ddb-migration, with their continuations."""
    for block in _BLOCK.findall(document.read_text("utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("ddb-migration "):
                yield line


GIVEN = [(document.name, line) for document in DOCUMENTS for line in commands(document)]


def test_there_is_something_to_look_at() -> None:
    assert len(GIVEN) > 20


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_prose_is_wrapped_as_the_code_is(document: Path) -> None:
    text = re.sub(r"^```.*?^```", "", document.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    # Rows of tables and definitions of links cannot be.
    assert not [line for line in text.splitlines() if len(line) > 120 and not line.startswith(("|", "["))]


@pytest.mark.parametrize(("document", "line"), GIVEN)
def test_a_command_to_paste_is_understood(
    document: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What follows is the shell's: another command, a redirection.
    words = shlex.split(re.split(r"\s(?:\|\||&&|\||>)\s", line)[0], comments=True)
    _, name, *arguments = words
    for argument in arguments:
        if argument.endswith((".json", ".gz")):
            (tmp_path / argument).touch()
    monkeypatch.chdir(tmp_path)
    if name.startswith("--"):
        assert any(name in option.opts for option in GROUP.params)
        return
    with GROUP.make_context("ddb-migration", [name, *arguments], resilient_parsing=True) as context:
        GROUP.commands[name].make_context(name, arguments, parent=context)
