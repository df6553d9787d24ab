"""The gate: each fact alone closes it, and nothing but its own remedy opens it again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddb_migration.core.gate import GateFacts, VerifyVerdict, closed_because, sample_of

PASS = "20261123T160000Z"
CLEAN = VerifyVerdict(PASS, segments=8, compared_segments=8)
OPEN = GateFacts(
    lag_seconds=2.0,
    dead_letters=0,
    parked=0,
    stream_arn="arn:stream/1",
    current_stream_arn="arn:stream/1",
    verdict=CLEAN,
)
counts = st.integers(min_value=1)

# Facts that close the gate, and a word that the reason must hold.
CLOSING: dict[str, tuple[st.SearchStrategy[dict[str, Any]], str]] = {
    "lag unknown": (st.just({"lag_seconds": None}), "not known"),
    "lag high": (st.fixed_dictionaries({"lag_seconds": st.floats(min_value=30.0, max_value=1e9)}), "behind"),
    "paused": (st.just({"paused_by": "arn:ann", "paused_since": 0.0}), "arn:ann paused the migration at 1970-01-01"),
    "dead letters": (st.fixed_dictionaries({"dead_letters": counts}), "--dead-letters"),
    "parked": (st.fixed_dictionaries({"parked": counts}), "--parked"),
    "another stream": (st.just({"current_stream_arn": "arn:stream/2"}), "arn:stream/2"),
    "no stream": (st.just({"current_stream_arn": None}), "no stream"),
    "epoch without stream": (st.just({"stream_arn": None, "current_stream_arn": None}), "stream"),
    "no verify": (st.just({"verdict": None}), "not been verified"),
    "verify under way": (st.just({"verdict": replace(CLEAN, ended=False)}), "no result yet"),
    "differences": (
        st.builds(lambda left: {"verdict": replace(CLEAN, differences=left)}, counts),
        "different",
    ),
    "a segment missing": (
        st.builds(lambda compared: {"verdict": replace(CLEAN, compared_segments=compared)}, st.integers(0, 7)),
        "of 8 segments",
    ),
    "no segment at all": (st.just({"verdict": replace(CLEAN, segments=0, compared_segments=0)}), "of 0 segments"),
    "sampled": (
        st.builds(lambda share: {"verdict": replace(CLEAN, sample=share)}, st.floats(0.0, 1.0, exclude_max=True)),
        "sample",
    ),
    "stuck keys": (st.fixed_dictionaries({"stuck_keys": counts}), "still different"),
    "incomplete": (st.just({"incomplete": "a change expired", "incomplete_at": 1000.0}), "a change expired"),
    "incomplete, since when is not known": (st.just({"incomplete": "a change expired"}), "a change expired"),
}


def test_a_pause_stands_for_the_lag_that_nobody_can_know_meanwhile() -> None:
    (reason,) = closed_because(replace(OPEN, lag_seconds=None, paused_by="arn:ann", paused_since=0.0))
    assert reason.endswith("ddb-migration resume")


def test_open_when_all_holds() -> None:
    assert closed_because(OPEN) == ()


@pytest.mark.parametrize("name", CLOSING)
@given(data=st.data())
def test_each_fact_alone_closes_it(name: str, data: st.DataObject) -> None:
    facts, word = CLOSING[name]
    (reason,) = closed_because(replace(OPEN, **data.draw(facts)))
    assert word in reason


@given(data=st.data())
def test_facts_that_close_it_never_hide_each_other(data: st.DataObject) -> None:
    named = data.draw(st.sets(st.sampled_from(["lag high", "dead letters", "parked", "another stream", "sampled"])))
    facts = OPEN
    for name in sorted(named):
        facts = replace(facts, **data.draw(CLOSING[name][0]))
    assert len(closed_because(facts)) == len(named)


@given(share=st.floats(0.0, 1.0, exclude_max=True))
def test_a_sampled_pass_opens_it_by_name_only(share: float) -> None:
    sampled = replace(OPEN, verdict=replace(CLEAN, sample=share))
    assert closed_because(replace(sampled, accepted_sample=PASS)) == ()
    (reason,) = closed_because(replace(sampled, accepted_sample="another"))
    assert f"ddb-migration cut-over --accept-sample {PASS}" in reason


def test_the_gate_hangs_on_a_sample_only_where_nothing_was_verified_whole() -> None:
    sampled = replace(CLEAN, sample=0.01)
    assert sample_of(replace(OPEN, verdict=sampled)) == sampled
    for verdict in (None, CLEAN, replace(sampled, ended=False)):
        assert sample_of(replace(OPEN, verdict=verdict)) is None
    assert sample_of(replace(OPEN, verdict=sampled, verified_at=1.0)) is None


def test_a_named_sample_opens_nothing_else() -> None:
    unclean = replace(CLEAN, sample=0.01, differences=1)
    assert closed_because(replace(OPEN, verdict=unclean, accepted_sample=PASS))


INCOMPLETE = replace(OPEN, incomplete="a change expired", incomplete_at=500.0, accepted_sample=PASS)


def test_an_incomplete_epoch_needs_a_full_pass_begun_after_the_loss() -> None:
    assert closed_because(replace(INCOMPLETE, verified_at=500.1)) == ()


@pytest.mark.parametrize("verified_at", [None, 499.0, 500.0])
def test_no_other_pass_makes_up_for_a_loss(verified_at: float | None) -> None:
    (reason,) = closed_because(replace(INCOMPLETE, verified_at=verified_at))
    assert "changes may be missing (a change expired)" in reason


def test_a_sample_after_a_full_pass_closes_nothing() -> None:
    sampled = replace(OPEN, verdict=replace(CLEAN, sample=0.01), verified_at=1.0)
    assert closed_because(sampled) == ()


def test_a_pass_with_differences_outweighs_an_earlier_clean_one() -> None:
    unclean = replace(OPEN, verdict=replace(CLEAN, differences=1), verified_at=1.0)
    assert len(closed_because(unclean)) == 1


def test_every_reason_says_what_to_do() -> None:
    everything = GateFacts(None, 1, 2, "a", "b", replace(CLEAN, differences=3), None, 4, "expiry")
    reasons = closed_because(everything)
    assert len(reasons) == 7
    assert all("ddb-migration " in reason for reason in reasons)
