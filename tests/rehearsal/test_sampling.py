"""What a rehearsal's own looks are drawn as."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from botocore.exceptions import EndpointConnectionError

from ddb_migration_construct.rehearsal.sampling import Sample, Sampler, drawn

START = 1_790_000_000.0
NOTHING = Sample(START, None, 0, 0, 0, 0)


def charts(*samples: Sample) -> dict[str, dict[str, Any]]:
    told = drawn(samples)
    assert told is not None
    return {one["title"]: one for one in told["charts"]}


def sample(after: float, **more: Any) -> Sample:
    return replace(NOTHING, at=START + after, **more)


def test_of_one_look_there_is_nothing_to_draw() -> None:
    assert drawn([]) is None
    assert drawn([NOTHING]) is None


def test_a_rate_is_what_a_count_grew_by_between_two_points() -> None:
    found = charts(sample(0), sample(1, captured=4), sample(2, captured=10), sample(4, captured=30))
    captured, applied = found["Changes"]["series"]
    assert captured["points"] == [(START + 2, 6.0), (START + 4, 10.0)]
    assert [value for _, value in applied["points"]] == [0, 0]


def test_a_new_epoch_begins_at_zero() -> None:
    found = charts(sample(0, loaded=100), sample(2, loaded=3))
    assert found["Bulk load"]["series"][0]["points"] == [(START + 2, 0.0)]


def test_of_lag_and_backlog_the_highest_of_a_point_is_shown_and_an_unknown_lag_is_a_gap() -> None:
    found = charts(sample(0, backlog=5, lag=None), sample(1, backlog=2), sample(2, lag=3.0), sample(3, lag=1.0))
    assert found["Backlog"]["series"][0]["points"] == [(START, 5.0), (START + 2, 0.0)]
    assert found["Lag"]["series"][0]["points"] == [(START, None), (START + 2, 3.0)]


def test_faults_are_told_by_kind_in_the_point_in_which_they_were_injected() -> None:
    faults = [{}, {"late": 2}, {"late": 2, "lost": 1}]
    found = charts(*(sample(2 * number, faults=told) for number, told in enumerate(faults)))
    by_kind = {one["name"]: [value for _, value in one["points"]] for one in found["Faults"]["series"]}
    assert by_kind == {"late": [0, 2, 0], "lost": [0, 0, 1]}
    assert found["Faults"]["form"] == "bars"


def test_no_more_points_than_can_be_seen() -> None:
    found = charts(*(sample(second, backlog=1) for second in range(3600)))
    assert 200 < len(found["Backlog"]["series"][0]["points"]) <= 241


def test_a_look_that_fails_is_a_point_less_and_no_more() -> None:
    answers = [NOTHING, EndpointConnectionError(endpoint_url="http://127.0.0.1"), NOTHING]

    def take() -> Sample:
        answer = answers.pop(0) if answers else NOTHING
        if isinstance(answer, Exception):
            raise answer
        return answer

    with Sampler(take, every=0.01) as sampler:
        limit = time.monotonic() + 10
        while len(sampler.samples) < 3 and time.monotonic() < limit:
            time.sleep(0.01)
    taken = len(sampler.samples)
    assert taken >= 3
    time.sleep(0.05)
    assert len(sampler.samples) == taken
