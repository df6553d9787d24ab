"""`ddb-migration abort`."""

from __future__ import annotations

from typing import Any

import pytest

from ddb_migration_construct.cli.failures import CommandFailed
from ddb_migration_construct.cli.invocation import invoke_until_done
from tests.cli.fakes import FakeFunctions


def waiting(what: str) -> dict[str, Any]:
    return {"done": False, "waiting_for": what, "refused": None}


DONE = {"done": True, "waiting_for": "", "refused": None}


def abort(*answers: dict[str, Any] | Exception) -> tuple[FakeFunctions, list[str]]:
    functions, said = FakeFunctions(*answers), list[str]()
    invoke_until_done(functions, "clean-up", {"action": "abort"}, said.append, sleep=lambda _: None)
    return functions, said


def test_passes_go_on_until_the_clean_up_is_done() -> None:
    functions, said = abort(waiting("the Glue run"), waiting("the Glue run"), waiting("the mappings"), DONE)
    first, *others = functions.invoked
    assert first == ("clean-up", {"action": "abort"})
    assert others == [("clean-up", {"action": "abort", "goes_on": True})] * 3
    assert said == ["waiting for the Glue run", "waiting for the mappings"]


def test_a_refusal_ends_with_its_reason_and_exit_code_3() -> None:
    with pytest.raises(CommandFailed, match="refuses: cut over already") as failed:
        abort({"done": False, "waiting_for": "", "refused": "cut over already"})
    assert failed.value.exit_code == 3


def test_fails_when_the_function_fails() -> None:
    with pytest.raises(CommandFailed, match="clean-up failed with ValueError: no table") as failed:
        abort(ValueError("no table"))
    assert failed.value.exit_code == 1


def test_fails_when_it_takes_too_long() -> None:
    with pytest.raises(CommandFailed, match="still waits for the Glue run; run the same command again"):
        abort(*[waiting("the Glue run")] * 1000)
