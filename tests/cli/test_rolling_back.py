"""`ddb-migration roll-back`, against the product's own states over the fakes: alone, and several together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ddb_migration_construct.cli.failures import NEEDS_YOU, REFUSED, CommandFailed
from ddb_migration_construct.cli.roll_back import gone_back
from ddb_migration_construct.cli.ways import BACK
from tests.cli.account import Account
from tests.fakes.client_errors import client_error
from tests.functions.rolling import Rolling


def account(*names: str) -> Account:
    return Account(*names, way=BACK)


def rolling(there: Account, name: str) -> Rolling:
    found = there.cuttings[name]
    assert isinstance(found, Rolling)
    return found


def rolled_back(there: Account) -> set[bool]:
    return {rolling(there, name).record.is_rolled_back for name in there.cuttings}


def require_whole(there: Account) -> None:
    """Each migration has its application at one table, which takes writes, while the other takes none."""
    for name in there.cuttings:
        one = rolling(there, name)
        assert (one.is_fenced, one.is_destination_fenced) == (
            (False, True) if one.record.is_rolled_back else (True, False)
        )
        assert one.reverse_writer_state == ("Disabled" if one.record.is_rolled_back else "Enabled")


def test_one_migration_is_followed_until_the_source_takes_writes_again() -> None:
    there = account("a")
    (one,) = there.migrations
    rolling(there, "a").write_back("a", "written since")
    told = gone_back(one, there.switches().order([one]).result(one))
    assert rolled_back(there) == {True}
    require_whole(there)
    assert "ddb-migration complete a" in told.text
    assert told.values["rolled_back_at"] == rolling(there, "a").back.cut_over_at


def test_a_roll_back_that_turns_back_says_why_and_may_be_tried_again() -> None:
    there = account("a")
    (one,) = there.migrations
    rolling(there, "a").sees_fence = False
    following = there.switches().order([one])
    with pytest.raises(CommandFailed, match="turned back, the destination stays the table: after ") as failed:
        following.result(one)
    assert failed.value.exit_code == REFUSED
    require_whole(there)
    rolling(there, "a").sees_fence = True
    rolling(there, "a").waits("token of a")
    assert there.switches().order([one]).result(one).cut_over_at


def test_a_roll_back_whose_source_stays_fenced_is_never_told_as_done() -> None:
    there = account("a")
    one = rolling(there, "a")

    def deny(operation: str, request: Mapping[str, Any]) -> None:
        if operation == "DeleteResourcePolicy" and request["ResourceArn"] == one.source:
            raise client_error(operation, "AccessDeniedException", "an SCP")

    one.aws.dynamodb.hooks.append(deny)
    with pytest.raises(CommandFailed, match="ended with FailedBehindSwitch .*neither table takes writes") as failed:
        there.switches().order(there.migrations)
    assert (failed.value.exit_code, one.is_fenced, one.back.cut_over_at is None) == (NEEDS_YOU, True, False)
    assert "ddb-migration start a" in str(failed.value)


def test_a_window_that_takes_no_order_is_no_dead_end() -> None:
    there = account("a")
    there.old_tokens = 10**6
    with pytest.raises(CommandFailed, match="takes no order now; .*ddb-migration start a"):
        there.switches().order(there.migrations)


def test_several_go_back_together() -> None:
    there = account("a", "b", "c")
    following = there.switches().order(there.migrations)
    assert all(following.result(one).cut_over_at for one in there.migrations)
    assert rolled_back(there) == {True}
    require_whole(there)


@pytest.mark.parametrize("when", ["prepare", "fence", "keys"])
def test_several_turn_back_together(when: str) -> None:
    there = account("a", "b")
    broken = rolling(there, "b")
    if when == "prepare":
        broken.reverse_gate.reasons = ("closed",)
    if when == "fence":
        broken.sees_fence = False
    if when == "keys":
        broken.reverse_keys.suspects = ["k"]
    following = there.switches().order(there.migrations)
    for one in there.migrations:
        with pytest.raises(CommandFailed, match="turned back"):
            following.result(one)
    assert rolled_back(there) == {False}
    require_whole(there)


@pytest.mark.parametrize("after", range(2, 60, 5))
def test_a_command_that_dies_leaves_all_or_none(after: int) -> None:
    there = account("a", "b")
    there.order_and_die(after)
    assert len(rolled_back(there)) == 1, "half of the group has rolled back"
    require_whole(there)
