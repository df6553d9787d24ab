"""Changed keys: all of them are compared, what moves is no difference, and what stands still is put right."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ddb_migration.aws.both_sides import BothSides, chunks
from ddb_migration.aws.changed_keys import told_rounds
from ddb_migration.aws.verify_generations import KeyLooks
from ddb_migration.core.changed_keys import (
    MOST_JUDGEMENTS,
    OVERLAP_SECONDS,
    Round,
    Suspect,
    first_round,
    patience_seconds,
)
from ddb_migration.core.item_key import canonical_key, watermark_id
from tests.aws.changing import EPOCH, STREAM, Changing, key_of

NAMES = [f"k{place}" for place in range(12)]


@pytest.fixture
def changing() -> Changing:
    return Changing()


def suspects(found: Round) -> list[str]:
    return sorted(suspect.key for suspect in found.suspects)


def test_equal_keys_are_settled_in_one_quick_round(changing: Changing) -> None:
    for name in NAMES:
        changing.change(name, "a", "a")
    changing.change("gone", None, None)
    found = changing.check()
    assert (found.keys, found.is_settled, found.is_quick) == (len(NAMES) + 1, True, True)
    assert changing.reread_keys() == []


def test_a_round_looks_only_at_what_changed_since_the_last_began(changing: Changing) -> None:
    changing.change("early", "a", "a")
    assert changing.check().keys == 1
    changing.clock.sleep(OVERLAP_SECONDS + 1)
    changing.change("late", "a", "a")
    assert changing.check().keys == 2
    changing.clock.sleep(OVERLAP_SECONDS + 1)
    assert changing.check().keys == 1
    changing.clock.sleep(OVERLAP_SECONDS + 1)
    assert changing.check().keys == 0


def test_what_was_written_while_verify_ran_is_in_the_first_round(changing: Changing) -> None:
    changing.change("k", "a", "b")
    changing.clock.sleep(7200)
    assert changing.check().keys == 1


@pytest.mark.parametrize(("source", "destination"), [("a", "b"), ("a", None)], ids=["different", "missing"])
def test_a_difference_that_stands_still_is_read_again_and_ends(
    changing: Changing, source: str, destination: str | None
) -> None:
    changing.change("k", source, destination)
    assert changing.check().differences == 0, "it may be on its way"
    changing.clock.sleep(patience_seconds(1.0) + 1)
    changing.check()
    assert changing.apply_rereads() == ["k"]
    found = changing.settle()
    told = told_rounds(changing.control.rows, EPOCH)
    assert sum(row["differences"] for row in told) == sum(row["rereads"] for row in told) == 1
    assert found.stuck == 0


def test_a_key_that_keeps_moving_is_no_difference(changing: Changing) -> None:
    for step in range(20):
        changing.change("hot", f"new {step}", f"old {step}")
        assert suspects(changing.check()) == [canonical_key(key_of("hot"))]
        changing.clock.sleep(30)
    assert changing.reread_keys() == []
    changing.put(1, "hot", "new 19")
    assert changing.check().is_settled


@pytest.mark.parametrize("lag", [None, 500.0])
def test_nothing_is_a_difference_for_as_long_as_a_change_may_take(changing: Changing, lag: float | None) -> None:
    changing.change("k", "a", "b")
    changing.lag = lag
    for _ in range(5):
        changing.check()
        changing.clock.sleep(100)
    assert changing.reread_keys() == []


def test_an_item_that_only_the_destination_has_is_reported_and_stays(changing: Changing) -> None:
    changing.change("k", None, "somebody's own")
    for _ in range(5):
        found = changing.check()
        changing.clock.sleep(60)
    assert (found.stuck, changing.reread_keys()) == (1, [])
    assert not found.is_settled


def test_an_item_that_only_the_destination_has_goes_when_that_is_allowed() -> None:
    changing = Changing(repair_extra=True)
    changing.change("k", None, "undead")
    assert changing.settle().is_settled
    assert "Item" not in changing.dynamodb.get_item(TableName=changing.tables[1], Key=key_of("k"))


def test_a_key_that_no_reread_helps_is_stuck_and_left_alone(changing: Changing) -> None:
    changing.change("k", "a", "b")
    sent: list[str] = []
    for _ in range(20):
        found = changing.check()
        sent += changing.reread_keys()
        changing.clock.sleep(60)
    assert sent == ["k"] * MOST_JUDGEMENTS
    assert (found.stuck, found.is_settled) == (1, False)
    changing.put(1, "k", "a")
    assert changing.check().is_settled


def test_a_parked_key_is_not_read_again_and_nothing_is_settled_until_it_is_accepted(changing: Changing) -> None:
    changing.change("k", "a", None)
    row = changing.control.rows.get(watermark_id(STREAM, key_of("k")), "watermark")
    changing.watermarks.park(key_of("k"), EPOCH, "too odd", str(row["number"]))
    with pytest.raises(AssertionError, match="not settled"):
        changing.settle()
    assert changing.watermarks.accept(key_of("k"), EPOCH, "obsolete", "ann")
    changing.settle()
    assert all(row["differences"] == row["rereads"] == 0 for row in told_rounds(changing.control.rows, EPOCH))


def test_a_key_that_is_accepted_after_it_was_stuck_is_settled(changing: Changing) -> None:
    changing.change("k", "a", None)
    while not changing.check().stuck:
        changing.clock.sleep(60)
    row = changing.control.rows.get(watermark_id(STREAM, key_of("k")), "watermark")
    changing.watermarks.park(key_of("k"), EPOCH, "too odd", str(row["number"]))
    assert not changing.check().is_settled
    assert changing.watermarks.accept(key_of("k"), EPOCH, "obsolete", "ann")
    assert changing.check().is_settled


def test_a_reread_that_the_queue_refuses_was_not_in_vain(changing: Changing) -> None:
    changing.change("k", "a", "b")
    changing.aws.sqs.refuse = lambda entry: "ServiceUnavailable"
    for _ in range(3 * MOST_JUDGEMENTS):
        assert changing.check().stuck == 0
        changing.clock.sleep(60)
    changing.aws.sqs.refuse = lambda entry: None
    assert changing.settle().is_settled


def test_an_expired_item_may_be_on_one_side_only() -> None:
    changing = Changing(time_to_live="expires")
    for name, expires in (("old", changing.clock() - 10), ("new", changing.clock() + 10_000)):
        changing.change(name, "a", None)
        item = {**key_of(name), "expires": {"N": str(expires)}}
        changing.dynamodb.put_item(TableName=changing.tables[1], Item=item)
        changing.put(0, name, None)
    assert suspects(changing.check()) == [canonical_key(key_of("new"))]


def test_sets_in_another_order_are_equal(changing: Changing) -> None:
    for table, members in zip(changing.tables, (["a", "b"], ["b", "a"]), strict=True):
        changing.dynamodb.put_item(TableName=table, Item={**key_of("k"), "s": {"SS": members}})
    changing.raised("k")
    assert changing.check().is_settled


# Time-outs and deaths


def test_what_no_call_has_time_for_the_next_one_does(changing: Changing) -> None:
    for name in NAMES:
        changing.change(name, "a", "a")
    changing.dynamodb.page_items = 1
    changing.dynamodb.hooks.append(lambda operation, request: changing.clock.sleep(2))
    calls = 0
    found = changing.check(seconds=15)
    while not found.is_done:
        found = changing.check(seconds=15)
        calls += 1
    assert calls > 3
    assert found.keys == len(NAMES)
    assert found.seconds is not None
    assert not found.is_quick


@pytest.mark.parametrize("value", ["a", "b"])
def test_a_low_rate_outlasts_no_call_and_comes_to_its_end(changing: Changing, value: str) -> None:
    changing.rate = 2.5
    names = [f"k{place}" for place in range(150)]
    for name in names:
        changing.change(name, "a", value)
    keys, calls, found = 0, 0, None
    while found is None or not found.is_done:
        began = changing.clock()
        found = changing.check(seconds=20)
        assert changing.clock() - began < 30, "the function has 60 s for this and for the tail of the stream"
        assert found.is_done or found.keys + len(found.suspects) > keys
        keys, calls = found.keys + len(found.suspects), calls + 1
        assert calls < 100
    assert calls > 2
    assert found.keys == len(names)
    assert len(found.suspects) == (0 if value == "a" else len(names))


def test_what_dear_items_have_cost_is_not_waited_for_within_the_call(changing: Changing) -> None:
    """An item of 100 units at 2.5 a second is 40 seconds."""
    changing.change("k", "a" * 390_000, "b")
    changing.rate = 2.5
    began = changing.clock()
    assert len(changing.check(seconds=20).suspects) == 1
    assert changing.clock() - began < 20


def test_no_more_of_large_items_is_asked_for_at_once_than_memory_holds(
    changing: Changing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A document takes forty times its size in Python, and eight calls of either table are under way at once."""
    changing.dynamodb.page_items = 1000
    for place in range(120):
        changing.change(f"k{place}", "a" * 40_000, "a" * 40_000)
    asked = _asked(changing, monkeypatch)
    assert (changing.check().keys, sum(asked)) == (120, 240)
    assert max(asked) <= 10, "of ten units each, 100 units"


def test_verify_asks_for_no_more_of_large_items_at_once_either(
    changing: Changing, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in range(120):
        changing.put(0, f"k{place}", "a" * 40_000)
    source, destination = changing.tables
    looks = KeyLooks(BothSides(changing.dynamodb, source, destination), "control", STREAM, EPOCH)
    asked = _asked(changing, monkeypatch)
    assert len(list(looks.look([key_of(f"k{place}") for place in range(120)], 0.0))) == 120
    assert max(asked) <= 10


def _asked(changing: Changing, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many keys each call to either table asks for from now on."""
    asked: list[int] = []
    real = changing.dynamodb.batch_get_item

    def counted(**request: Any) -> Any:
        ((table, wanted),) = request["RequestItems"].items()
        if table in changing.tables:
            asked.append(len(wanted["Keys"]))
        return real(**request)

    monkeypatch.setattr(changing.dynamodb, "batch_get_item", counted)
    return asked


def test_many_small_items_are_asked_for_a_hundred_at_a_time(changing: Changing) -> None:
    source, destination = changing.tables
    sides = BothSides(changing.dynamodb, source, destination)
    keys = {canonical_key(key_of(f"k{place}")): key_of(f"k{place}") for place in range(400)}
    sizes = [len(chunk) for chunk in chunks(keys, lambda: sides.most_keys) if list(sides.pairs(chunk))]
    assert sizes == [4, 44, 100, 100, 100, 52]


def test_suspects_for_whom_there_is_no_time_come_first_another_time(changing: Changing) -> None:
    names = [f"k{place}" for place in range(60)]
    for name in names:
        changing.change(name, "a", "b")
    assert len(changing.check().suspects) == 60
    changing.rate = 2.5
    for name in names:
        changing.put(1, name, "a")
    left = [len(changing.check(seconds=5).suspects) for _ in range(40)]
    assert left[0] < 60
    assert left[-1] == 0


def test_a_call_that_died_is_done_again(changing: Changing) -> None:
    for name in NAMES:
        changing.change(name, "a", "a" if name != "k3" else "b")
    changing.dynamodb.before("UpdateItem", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        changing.check()
    found = changing.check()
    assert (found.keys, suspects(found)) == (len(NAMES), [canonical_key(key_of("k3"))])


def test_any_table_can_be_read_beside_the_two(changing: Changing) -> None:
    changing.raised("k")
    sides = BothSides(changing.dynamodb, changing.tables[0], changing.tables[1], destination_client=object())
    row = {"pk": {"S": watermark_id(STREAM, key_of("k"))}, "sk": {"S": "watermark"}}
    assert list(sides.read("control", {canonical_key(row): row})) == [canonical_key(row)]


def test_unprocessed_keys_are_asked_for_again(changing: Changing) -> None:
    changing.dynamodb.most_gets = 2
    for name in NAMES:
        changing.change(name, "a", "a" if name != "k11" else "b")
    assert suspects(changing.check()) == [canonical_key(key_of("k11"))]


def test_no_more_keys_than_can_be_kept_come_into_suspicion() -> None:
    long = {f"{'x' * 2000}{place}": "a" for place in range(200)}
    changing = Changing()
    changing.dynamodb.page_items = 50
    for name in long:
        changing.change(name, "a", "b")
    found = changing.check()
    assert not found.is_done
    assert 50 <= len(found.suspects) < 200
    for name in long:
        changing.put(1, name, "a")
    assert changing.settle().keys == 200


# The index is behind, and the last round


def test_what_the_index_shows_late_is_in_the_next_round(changing: Changing) -> None:
    changing.dynamodb.index_lag = lambda key: 50.0
    changing.clock.sleep(100)
    changing.change("late", "a", "b")
    changing.clock.sleep(20)
    assert changing.check().keys == 0
    changing.clock.sleep(35)
    assert suspects(changing.check()) == [canonical_key(key_of("late"))]


def test_the_last_round_waits_for_the_index(changing: Changing) -> None:
    changing.dynamodb.index_lag = lambda key: 50.0
    changing.clock.sleep(100)
    changing.change("late", "a", "b")
    assert not changing.keys.index_holds([key_of("late")])
    changing.clock.sleep(51)
    assert changing.keys.index_holds([key_of("late")])
    assert changing.keys.index_holds([]), "a source at rest"
    assert changing.keys.index_holds([key_of("never raised")])


def test_the_newest_keys_need_no_index(changing: Changing) -> None:
    changing.dynamodb.index_lag = lambda key: 1e9
    changing.change("a", "a", "a")
    changing.change("late", "a", "b")
    assert changing.check().is_settled, "the index shows nothing"
    until = changing.clock() + 60
    assert changing.keys.check_keys([key_of("a"), key_of("late"), key_of("late")], until) == 2
    assert suspects(changing.check()) == [canonical_key(key_of("late"))]
    assert changing.settle().differences == 0


def test_time_ends_the_comparison_of_the_newest_keys(changing: Changing) -> None:
    assert changing.keys.check_keys([key_of("a")], changing.clock()) == 0


class Life:
    """Random writes and rounds, then the end: the fence, the tail, and the last round."""

    def __init__(self, lags: dict[str, float]) -> None:
        self.changing = Changing(repair_extra=True)
        self.pending: list[tuple[str, str | None]] = []
        self.raised: tuple[str, str | None] | None = None
        self.raised_at = 0.0
        self.tail: list[str] = []
        self.changing.dynamodb.index_lag = lambda key: lags.get(str(key[0][1]), 0.0)
        self.lags = lags

    def write(self, name: str, value: str | None) -> None:
        self.changing.put(0, name, value)
        self.pending.append((name, value))
        self.tail.append(name)

    def apply(self, badly: bool) -> None:
        """Raise the watermark of the oldest change, or write it: two steps, with anything between them."""
        if self.raised is not None:
            name, value = self.raised
            self.changing.put(1, name, "spoilt" if badly else value)
            self.raised = None
        elif self.pending:
            self.raised = self.pending.pop(0)
            self.changing.raised(self.raised[0])
            self.raised_at = self.changing.clock()

    def sleep(self, seconds: float) -> None:
        """Let time pass; what is raised is written meanwhile, as WriteCdc has 30 seconds for both."""
        clock = self.changing.clock
        ends = clock() + seconds
        if self.raised is not None and self.raised_at + 30 < ends:
            clock.sleep(max(0.0, self.raised_at + 30 - clock()))
            self.apply(badly=True)
        clock.sleep(ends - clock())
        if seconds > 300:
            self.tail.clear()

    def finish(self) -> None:
        """Apply what is left, as the drain does, then end as CutOver does."""
        while self.pending or self.raised:
            self.apply(badly=False)
        # A change older than the tail passes the gate once it is applied; the fence's denials take 30 s from there, and
        # the quiet behind it 15. An index that were later still would be missed.
        self.changing.clock.sleep(45)
        keys = [key_of(name) for name in dict.fromkeys(self.tail)]
        changing = self.changing
        assert changing.keys.check_keys(keys, changing.clock() + 60) == len(keys)
        while not changing.keys.index_holds(keys):
            changing.clock.sleep(5)
        changing.settle(most=40)


steps = st.one_of(
    st.tuples(st.just("write"), st.sampled_from("abc"), st.sampled_from(["1", "2", None])),
    st.tuples(st.just("apply"), st.booleans()),
    st.tuples(st.just("sleep"), st.floats(0.1, 400)),
    st.tuples(st.just("check")),
)


_OLD_BUT_JUST_APPLIED = [
    *(("write", "a", "2"), ("write", "a", "2"), ("apply", False), ("apply", False)),
    *(("sleep", 301.0), ("check",), ("apply", False), ("apply", True)),
]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(script=_OLD_BUT_JUST_APPLIED, lags=[40.0, 0.0, 0.0])
@given(script=st.lists(steps, max_size=30), lags=st.lists(st.floats(0, 40), min_size=3, max_size=3))
def test_whatever_happens_the_end_is_equal(script: list[tuple[Any, ...]], lags: list[float]) -> None:
    """Badly applied changes stand for any fault of apply; those of the tail are applied well and checked by key."""
    rows = [watermark_id(STREAM, key_of(name)) for name in "abc"]
    life = Life(dict(zip(rows, lags, strict=True)))
    for act, *given_ in script:
        if act == "check":
            life.changing.check()
        else:
            getattr(life, act)(*given_)
    life.finish()
    source, destination = (life.changing.dynamodb.tables[name].items for name in ("source", "destination"))
    assert dict(destination) == dict(source)


# The pure part


def test_rounds_survive_as_values() -> None:
    suspect = Suspect("k", "a/b", 5.0, judgements=1, may_repair=False)
    found = first_round(100.0, 200.0, 8).suspecting([suspect]).moved(3, 2, "here", 201.0)
    assert Round.of(found.as_values()) == found


def test_a_round_that_took_five_seconds_is_not_quick() -> None:
    begun = first_round(100.0, 200.0, 1)
    last = len(begun.partitions)
    assert begun.moved(0, last, None, 204.9).is_quick
    assert not begun.moved(0, last, None, 205.0).is_quick
    assert not begun.is_quick


def test_nothing_told_of_a_round_names_a_key(changing: Changing) -> None:
    changing.change("secret", "a", "b")
    changing.check()
    assert "secret" not in str(told_rounds(changing.control.rows, EPOCH))
