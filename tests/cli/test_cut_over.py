"""`ddb-migration cut-over`, against the product's own states over the fakes: alone, and several together."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from cut_over import fence, stop_apply, tail
from ddb_migration.core.cut_over_order import CutOverOrder, NotAnOrder
from ddb_migration.core.gate import VerifyVerdict
from ddb_migration_construct.cli.control_table import ControlRecord, read_token
from ddb_migration_construct.cli.cut_over import (
    accepted_samples,
    gone_there,
    previewed,
    reasons_against,
    require_open,
)
from ddb_migration_construct.cli.failures import NEEDS_YOU, REFUSED, CommandFailed
from ddb_migration_construct.cli.main import app
from ddb_migration_construct.cli.switching import LEAST_TIMEOUT, Order
from tests.cli.account import Account, migration
from tests.cli.fakes import FakeFunctions
from tests.fakes.client_errors import client_error
from tests.functions.migration import EXECUTION

OPEN: dict[str, Any] = {
    "closed_because": [],
    "sample": None,
    "is_ready": True,
    "has_cut_over": False,
    "fences": True,
    "fence": {"Effect": "Deny"},
    "fence_seconds": 75,
    "refused": None,
}


def test_one_migration_is_followed_to_its_end() -> None:
    account = Account("a")
    (one,) = account.migrations
    told = gone_there(one, account.switches().order([one]).result(one))
    assert account.cuttings["a"].record.is_cut_over
    assert "ddb-migration complete a" in told.text
    assert told.values["form"] == "fenced"


def test_the_least_time_out_is_enough_for_a_fence() -> None:
    account = Account("a")
    (one,) = account.migrations
    assert account.switches(timeout_seconds=LEAST_TIMEOUT).order([one]).result(one).cut_over_at
    waits = (fence.DENIALS - 1) * fence.LOOK_SECONDS + tail.QUIET_SECONDS + stop_apply.HOLD_SECONDS
    assert account.cuttings["a"].record.cut_over_timeout == LEAST_TIMEOUT > waits + 30


@pytest.mark.parametrize("command", ["cut-over", "roll-back"])
def test_a_time_out_in_which_no_fence_fits_is_refused(command: str) -> None:
    result = CliRunner().invoke(app, [command, "Migrations/Orders", "--timeout", str(LEAST_TIMEOUT - 1)])
    assert result.exit_code == 2
    assert f"equal to {LEAST_TIMEOUT}" in result.output


def test_a_token_that_was_replaced_is_read_again() -> None:
    account = Account("a")
    account.old_tokens = 2
    account.switches().order(account.migrations)
    assert account.answered == ["a"]


def test_a_migration_that_takes_no_order_is_no_dead_end() -> None:
    account = Account("a")
    account.old_tokens = 10**6
    with pytest.raises(CommandFailed, match="takes no order now; .*ddb-migration start a") as failed:
        account.switches().order(account.migrations)
    assert failed.value.exit_code == REFUSED


def test_an_order_whose_answer_was_lost_is_followed() -> None:
    account = Account("a")
    account.lost_answers = 1
    (one,) = account.migrations
    assert account.switches().order([one]).result(one).cut_over_at
    assert account.answered == ["a"]


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("cut_over_started", "before it could cut over; start it"),
        ("prepared_at", "and the source may take no writes; start it"),
        ("fenced_at", "and the source takes no writes; start it"),
    ],
)
def test_an_execution_that_ends_on_the_way_is_told_with_what_the_fence_does(when: str, said: str) -> None:
    account = Account("a")
    cutting = account.cuttings["a"]
    # Too long to be done behind a fence, so that it goes on preparing.
    cutting.keys.seconds = 6 if when == "cut_over_started" else 0
    account.before_step = lambda: account.stop("a", "States.Runtime") if getattr(cutting.record, when) else None
    with pytest.raises(CommandFailed, match=f"ended with States.Runtime .*{said}") as failed:
        account.switches().order(account.migrations)
    assert failed.value.exit_code == NEEDS_YOU
    assert "ddb-migration start a" in str(failed.value)


def test_a_call_that_aws_does_not_answer_ends_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    account = Account("a", "b")

    def drop() -> None:
        if account.cuttings["a"].is_fenced:
            account.unreachable, account.before_step = 40, lambda: None

    account.before_step = drop
    following = account.switches(timeout_seconds=600).order(account.migrations)
    assert all(following.result(one).cut_over_at for one in account.migrations)
    assert account.unreachable == 0
    assert capsys.readouterr().err.count("AWS does not answer, and is asked again") == 1


def test_whoever_interrupts_a_group_calls_it_off(capsys: pytest.CaptureFixture[str]) -> None:
    account = Account("a", "b")

    def interrupt() -> None:
        if all(cutting.is_fenced for cutting in account.cuttings.values()):
            account.before_step = lambda: None
            raise KeyboardInterrupt

    account.before_step = interrupt
    with pytest.raises(KeyboardInterrupt):
        account.switches(timeout_seconds=3600).order(account.migrations)
    assert not any(cutting.is_fenced or cutting.record.cut_over_started for cutting in account.cuttings.values())
    assert "Those that were ordered turn back, unless all were told to go through" in capsys.readouterr().err


def test_where_one_takes_no_order_those_before_it_are_called_off() -> None:
    account = Account("a", "b")
    account.cuttings["b"].control.set(EXECUTION, task_token="of another order")
    account.refused.add("of another order")
    with pytest.raises(CommandFailed, match="b takes no order now.*\n.*turn back") as failed:
        account.switches().order(account.migrations)
    assert failed.value.exit_code == REFUSED
    assert (account.answered, account.cuttings["a"].record.cut_over_started) == (["a"], None)
    assert "another migration of the group" in str(account.cuttings["a"].record.cut_over_refused)


@pytest.mark.parametrize("broken", [KeyboardInterrupt(), client_error("GetItem", "ExpiredTokenException")])
def test_whoever_stops_following_one_learns_that_it_goes_on(
    broken: BaseException, capsys: pytest.CaptureFixture[str]
) -> None:
    account = Account("a")

    def interrupt() -> None:
        account.before_step = lambda: None
        raise broken

    account.before_step = interrupt
    with pytest.raises((KeyboardInterrupt, CommandFailed)) as raised:
        account.switches().order(account.migrations)
    said = f"{raised.value}{capsys.readouterr().err}"
    assert "What was ordered goes on in your account; how far it is: ddb-migration status a" in said


def test_a_cut_over_that_turns_back_says_why() -> None:
    account = Account("a")
    account.cuttings["a"].sees_fence = False
    (one,) = account.migrations
    following = account.switches().order([one])
    with pytest.raises(CommandFailed, match="turned back, replication goes on: after .* every write to be denied"):
        following.result(one)


def test_a_second_try_is_told_from_the_first() -> None:
    account = Account("a")
    cutting, (one,) = account.cuttings["a"], account.migrations
    cutting.gate.reasons = ("lag",)
    account.switches().order([one])
    cutting.gate.reasons = ()
    cutting.ready("token of a")
    cutting.clock.sleep(1)
    assert account.switches().order([one]).result(one).cut_over_at


def test_an_order_that_cannot_be_carried_out_is_told() -> None:
    account = Account("a")
    account.cuttings["a"].fences = False
    (one,) = account.migrations
    following = account.switches().order([one])
    with pytest.raises(CommandFailed, match="fence_source_writes=True"):
        following.result(one)


def test_who_accepts_a_sample_is_on_record_with_that_migration_alone() -> None:
    account = Account("a", "b")
    one, other = account.migrations
    account.cuttings["a"].gate.verdict = VerifyVerdict("p1", segments=8, compared_segments=8, sample=0.01)
    following = account.switches({one: "p1"}, accepted_by="arn:ann").order([one, other])
    assert all(following.result(migration).cut_over_at for migration in (one, other))
    accepted = [(cutting.record.accepted_sample, cutting.record.accepted_by) for cutting in account.cuttings.values()]
    assert accepted == [("p1", "arn:ann"), (None, None)]


def states_of(account: Account) -> set[bool]:
    return {cutting.record.is_cut_over for cutting in account.cuttings.values()}


def test_several_go_through_together() -> None:
    account = Account("a", "b", "c")
    seen: list[set[bool]] = []
    fenced: list[set[bool]] = []
    prepared = {"a": 0, "b": 3, "c": 9}

    def before() -> None:
        seen.append(states_of(account))
        fenced.append({cutting.is_fenced for cutting in account.cuttings.values()})
        for name, steps in prepared.items():
            # Those that take longer to prepare keep the others waiting, unfenced.
            account.cuttings[name].keys.seconds = 6 if len(seen) < steps else 0

    account.before_step = before
    following = account.switches().order(account.migrations)
    assert all(following.result(one).cut_over_at for one in account.migrations)
    assert fenced[8] == {False}, "nobody is fenced while one still prepares"


@pytest.mark.parametrize("when", ["prepare", "fence", "keys"])
def test_several_turn_back_together(when: str) -> None:
    account = Account("a", "b")
    broken = account.cuttings["b"]
    if when == "prepare":
        broken.gate.reasons = ("closed",)
    if when == "fence":
        broken.sees_fence = False
    if when == "keys":
        broken.keys.suspects = ["k"]
    following = account.switches().order(account.migrations)
    for one in account.migrations:
        with pytest.raises(CommandFailed, match="turned back"):
            following.result(one)
    assert states_of(account) == {False}
    assert not any(cutting.is_fenced for cutting in account.cuttings.values())
    assert {cutting.writer_state for cutting in account.cuttings.values()} == {"Enabled"}
    assert " of the group " in str(account.cuttings["a"].record.cut_over_refused)


@pytest.mark.parametrize("after", range(2, 60, 3))
def test_a_command_that_dies_leaves_all_or_none(after: int) -> None:
    account = Account("a", "b")
    account.order_and_die(after)
    assert len(states_of(account)) == 1, "half of the group has cut over"
    for cutting in account.cuttings.values():
        assert cutting.is_fenced == cutting.record.is_cut_over
        assert cutting.writer_state == ("Disabled" if cutting.record.is_cut_over else "Enabled")


def test_the_word_to_go_through_is_given_to_all_or_to_none() -> None:
    """The one that turned back in the same moment keeps the others from going."""
    account = Account("a", "b")
    late = account.cuttings["b"]

    def before() -> None:
        if late.record.cut_over_step == "checked":
            record = late.record
            late.control.turn_back(str(record.execution), record.cut_over_started, "too slow", late.clock())

    original = account.transact_write_items

    def transact(TransactItems: list[Any]) -> None:  # noqa: N803
        before()
        original(TransactItems)

    account.transact_write_items = transact  # type: ignore[method-assign]  # a race, staged
    account.switches().order(account.migrations)
    assert states_of(account) == {False}


# --- what is said before ------------------------------------------------------------------------------------------


def test_the_dry_run_tells_all_and_exits_with_3_where_it_would_be_refused() -> None:
    told = previewed(FakeFunctions(OPEN), migration("a"), "fenced")
    assert told.exit_code == 0
    assert '{"Effect": "Deny"}' in told.text
    assert "about 75 s" in told.text
    refused = previewed(FakeFunctions({**OPEN, "closed_because": ["3 keys are parked"]}), migration("a"), "fenced")
    assert refused.exit_code == REFUSED
    assert "1. 3 keys are parked" in refused.text


def test_without_a_fence_it_says_what_the_operators_word_means() -> None:
    told = previewed(FakeFunctions({**OPEN, "fences": False}), migration("a"), "unfenced")
    assert told.exit_code == 0
    assert "late writes to the source are still copied" in told.text


@pytest.mark.parametrize(
    ("found", "form", "reason"),
    [
        ({"fences": False}, "fenced", "--writers-stopped"),
        ({"is_ready": False}, "fenced", "not ready"),
        ({"has_cut_over": True, "is_ready": False, "closed_because": ["lag"]}, "fenced", "has cut over already"),
        ({"closed_because": ["lag"]}, "unfenced", "lag"),
    ],
)
def test_reasons_against(found: dict[str, Any], form: str, reason: str) -> None:
    (told,) = reasons_against(migration("a"), {**OPEN, **found}, form)
    assert reason in told
    with pytest.raises(CommandFailed, match="cannot cut over now"):
        require_open(migration("a"), {**OPEN, **found}, form)


def test_a_migration_with_a_way_back_cuts_over_behind_a_fence_only() -> None:
    there = migration("a", can_roll_back=True)
    (told,) = reasons_against(there, OPEN, "unfenced")
    assert "it has a rollback window: cut over without --writers-stopped" in told
    assert reasons_against(there, OPEN, "fenced") == []
    assert "write back to the source what the destination takes" in previewed(FakeFunctions(OPEN), there, "fenced").text
    assert "write back" not in previewed(FakeFunctions(OPEN), migration("a"), "fenced").text


def test_where_there_is_a_way_back_the_command_says_so() -> None:
    record = ControlRecord(cut_over_at=7.0, cut_over_form="fenced")
    there = migration("a", can_roll_back=True)
    assert "you can switch it back: ddb-migration roll-back a. " in gone_there(there, record).text
    assert "roll-back" not in gone_there(migration("a"), record).text


ON_SAMPLE: dict[str, Any] = {**OPEN, "sample": {"pass": "p1", "share": 0.01}}


def test_only_a_sample_that_a_gate_hangs_on_can_be_accepted() -> None:
    sampled, whole = migration("a"), migration("b")
    found = {sampled: ON_SAMPLE, whole: OPEN}
    assert accepted_samples(found, ["p1"]) == {sampled: "p1"}
    assert accepted_samples(found, []) == {}
    with pytest.raises(CommandFailed, match="--accept-sample p2: no gate hangs .* does: a: p1") as failed:
        accepted_samples(found, ["p1", "p2"])
    assert failed.value.exit_code == REFUSED
    with pytest.raises(CommandFailed, match="does: none"):
        accepted_samples({whole: OPEN}, ["p1"])


def test_the_dry_run_says_what_would_go_on_record() -> None:
    functions = FakeFunctions(ON_SAMPLE, ON_SAMPLE)
    assert "accepted a sample of 1.00% of its keys" in previewed(functions, migration("a"), "fenced", ["p1"]).text
    assert functions.invoked[-1][1] == {"action": "preview", "accepted_samples": ["p1"]}
    assert "on record" not in previewed(functions, migration("a"), "fenced", []).text


def test_an_order_is_one_that_the_migration_understands() -> None:
    assert CutOverOrder.of(json.loads(Order("unfenced", 600, "g").text())).group == "g"
    with pytest.raises(NotAnOrder):
        CutOverOrder.of(json.loads(Order("half").text()))


def test_the_token_is_read_and_shown_nowhere() -> None:
    account = Account("a")
    assert read_token(account, "a") == "token of a"
