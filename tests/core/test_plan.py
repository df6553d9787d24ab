"""The arithmetic of the plan, for three made-up tables; every expected number is worked out by hand beside it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from ddb_migration.core import bill as billing
from ddb_migration.core.bill import Line, bill, money, total, units_of_a_write
from ddb_migration.core.checks import check
from ddb_migration.core.plan import Figure, Fleet, Schedule, Traffic, schedule
from ddb_migration.core.setup import Setup
from tests.core.making import setup, table

KEYS = (("city", "HASH", "S"),)
DAY = 86_400


def traffic(busiest: float, mean: float, hottest: float, days: float = 3) -> Traffic:
    return Traffic(
        busiest=Figure("busiest", busiest, "changes/s", "test"),
        mean=Figure("mean", mean, "changes/s", "test"),
        hottest_key=Figure("hottest", hottest, "changes/s", "test"),
        days_in_step=Figure("in step", days, "days", "test"),
    )


def pair(size: float, items: float, **made: Any) -> dict[str, Any]:
    of_source = made.pop("of_source", {})
    return {
        "source": table("source", size_bytes=int(size), item_count=int(items), indexes=made["indexes"], **of_source),
        "destination": table("destination", stream_arn=None, stream_view=None, **made),
    }


# 5 GB on demand: 5,000,000 items of 1,000 bytes, no index; a Scan.
SMALL = setup(**pair(5e9, 5e6, indexes={}))
SMALL_TRAFFIC = traffic(busiest=50, mean=10, hottest=5)
# 500 GB provisioned: 250,000,000 items of 2,000 bytes; an export.
PROVISIONED = {"provisioned_reads": 4000}
MEDIUM = setup(
    **pair(500e9, 250e6, indexes={}, provisioned_writes=10_000, of_source=PROVISIONED, **PROVISIONED),
    is_large=True,
    source_recovery=True,
    read_units=2000,
)
MEDIUM_TRAFFIC = traffic(busiest=400, mean=100, hottest=40)
# 10 TB on demand with three indexes: 10,000,000,000 items of 1,000 bytes into a table that is warm for 40,000.
INDEXES = {"all": (KEYS, "ALL", ()), "keys": (KEYS, "KEYS_ONLY", ()), "some": (KEYS, "INCLUDE", ("name",))}
LARGE = setup(**pair(10e12, 10e9, indexes=INDEXES, warm_writes=40_000), is_large=True, source_recovery=True)
LARGE_TRAFFIC = traffic(busiest=1500, mean=1000, hottest=0.5)


DEFAULTS = Fleet()


def planned(found: Setup, written: Traffic, fleet: Fleet = DEFAULTS) -> tuple[Schedule, dict[str, Line]]:
    times = schedule(found, written, fleet)
    return times, {line.name: line for line in bill(found, written, fleet, times)}


def phases(times: Schedule) -> dict[str, float]:
    return {figure.name: figure.value for figure in times.phases}


def test_the_tables_have_no_finding() -> None:
    assert [check(one) for one in (SMALL, MEDIUM, LARGE)] == [[], [], []]


def test_phases_of_5_gb_on_demand() -> None:
    times, _ = planned(SMALL, SMALL_TRAFFIC)
    assert phases(times) == {
        "Settle": 300,
        "Glue start": 120,
        # Writing 5,000,000 units at 4,000 takes 1,250 s; reading 1,220,704 at 3,000 takes 407.
        "Bulk load": 1250,
        "Barrier": 120,
        # One message a second of the hottest key for 1,790 s, applied at 20 - 1; and 300 s of quiet.
        "Drain": pytest.approx(1790 / 19 + 300),
        # Half of the 1,220,704 units that a consistent Scan takes, of both tables side by side.
        "Verify": pytest.approx(120 + 610_352 / 3000),
    }
    assert (times.mode, times.waiting, times.backlog) == ("direct", 1790, 89_500)
    # 10,000 by concurrency, 20,000 by watermarks, 4,000 by the destination.
    assert times.apply_rate.value == 4000
    assert times.oldest == pytest.approx(1790 + 394.21, abs=0.01)
    assert times.fits


def test_bill_of_5_gb_on_demand() -> None:
    _, lines = planned(SMALL, SMALL_TRAFFIC)
    # 10 a second for 1,790 s, 394.21 s and three days.
    changes = 2_613_843
    assert {name: (round(line.amount, 2), line.unit, line.price) for name, line in lines.items()} == {
        "reads of the bulk load": (1_220_704, "read units", "reads"),
        "writes of the bulk load": (5_000_000, "write units", "writes"),
        "writes of changes": (changes, "write units", "writes"),
        "watermarks": (3 * changes, "write units", "writes"),
        # 261,385 batches: sent, received, deleted.
        "change queue": (3 * 261_385, "requests", "sqs-requests"),
        # Batches of 20 records, as 10 a second are collected for 2 s.
        "functions, calls": (261_385 + 130_693, "requests", "lambda-requests"),
        "functions, time": (round(261_385 * 0.1 * 1769 / 1024 + 130_693 * 0.5, 2), "GB-seconds", "lambda"),
        "Glue": (round(4 * (120 + 1250 + 120 + 610_352 / 3000) / 3600, 2), "DPU-hours", "glue"),
        "reads of verify, source": (610_352, "read units", "reads"),
        "reads of verify, destination": (610_352, "read units", "reads"),
    }


# Two days in which the migration can be rolled back.
UNDOABLE = Fleet(rollback_window_seconds=2 * DAY)


def of_way_back(lines: dict[str, Line]) -> dict[str, tuple[float, str, str | None]]:
    found = {name.removeprefix("way back, "): line for name, line in lines.items() if name.startswith("way back")}
    return {name: (line.amount, line.unit, line.price) for name, line in found.items()}


def test_a_rollback_window_of_5_gb_on_demand() -> None:
    _, lines = planned(SMALL, SMALL_TRAFFIC, UNDOABLE)
    # 10 a second for two days; all that was written before the cut-over is younger than a day when Verify ends.
    changes, copied = 1_728_000, 2_613_843
    # Of the stream: 1,000 of the load in a batch, and 20 of what the application changes, which also comes back.
    captures = 5000 + 130_693 + 2 * 86_400
    assert of_way_back(lines) == {
        "stream": (5_000_000 + copied + changes, "records", None),
        "writes": (changes, "write units", "writes"),
        "watermarks": (3 * changes, "write units", "writes"),
        "tripwire": (2 * changes, "read units", "reads"),
        # 172,800 batches: sent, received, deleted.
        "queue": (3 * 172_800, "requests", "sqs-requests"),
        "calls": (172_800 + captures, "requests", "lambda-requests"),
        "time": (pytest.approx(172_800 * 0.1 * 1769 / 1024 + captures * 0.5), "GB-seconds", "lambda"),
    }
    assert all(line.source for line in lines.values())


def test_a_rollback_window_is_five_minutes_more_and_changes_no_other_line() -> None:
    without, lines_without = planned(SMALL, SMALL_TRAFFIC)
    times, lines = planned(SMALL, SMALL_TRAFFIC, UNDOABLE)
    assert phases(times) == {**phases(without), "Way back": 300}
    assert {name: line for name, line in lines.items() if not name.startswith("way back")} == lines_without
    assert not of_way_back(lines_without)


def test_the_way_back_is_handed_a_day_of_the_stream_at_most() -> None:
    _, lines = planned(LARGE, LARGE_TRAFFIC, Fleet(rollback_window_seconds=DAY))
    # Verify alone takes 4.7 days, longer than the three in step: of the load nothing is left, of changes one day.
    assert of_way_back(lines)["stream"] == (86_400_000 + 86_400_000, "records", None)
    # The source has the same three indexes.
    assert of_way_back(lines)["writes"] == (4 * 86_400_000, "write units", "writes")


def test_what_is_carried_back_is_within_what_the_source_has_provisioned() -> None:
    found = replace(
        MEDIUM, source=table("source", size_bytes=int(500e9), item_count=int(250e6), provisioned_writes=5000)
    )
    _, lines = planned(found, MEDIUM_TRAFFIC, UNDOABLE)
    # 100 a second of two units each, and two of the source's one index.
    assert of_way_back(lines)["writes"] == (4 * 17_280_000, "write units", None)


def test_of_a_load_that_ended_a_while_ago_the_stream_holds_the_rest() -> None:
    _, lines = planned(replace(MEDIUM, read_units=1000), MEDIUM_TRAFFIC, UNDOABLE)
    # Verify takes 61,155 s, the drain 4,921 s and the barrier 120 s: of the 50,000 s of the load 20,204 are left, at
    # 5,000 items a second. Changes: a day, 198,045 s in step after Verify, and two days.
    items, seconds = 5000 * 20_203.97, 86_400 + 198_044.84 + 172_800
    assert of_way_back(lines)["stream"][0] == pytest.approx(items + 100 * seconds, rel=1e-6)


def test_phases_of_500_gb_provisioned() -> None:
    times, _ = planned(MEDIUM, MEDIUM_TRAFFIC)
    assert phases(times) == {
        "Settle": 300,
        "Export": 600 + 2000,
        "Glue start": 120,
        # 250,000,000 items of two units at 10,000 a second.
        "Bulk load": 50_000,
        "Barrier": 120,
        # 400 a second for 53,140 s, applied at 10,000 / 2 - 400.
        "Drain": pytest.approx(21_256_000 / 4600 + 300),
        "Verify": pytest.approx(120 + 61_035_156.5 / 2000),
    }
    assert (times.mode, times.apply_rate.value, times.fits) == ("large", 5000, True)
    assert times.apply_rate.source == "ProvisionedThroughput of the destination"


def test_bill_of_500_gb_provisioned() -> None:
    _, lines = planned(MEDIUM, MEDIUM_TRAFFIC)
    assert lines["export"].amount == pytest.approx(465.66, abs=0.01)
    # What is provisioned is paid for already; watermarks are the migration's own table, on demand.
    assert {name for name, line in lines.items() if line.price is None} == {
        *("writes of the bulk load", "writes of changes", "reads of verify, source", "reads of verify, destination"),
    }
    assert lines["writes of the bulk load"].amount == 500_000_000
    assert "reads of the bulk load" not in lines


def test_phases_of_10_tb_with_3_indexes() -> None:
    times, _ = planned(LARGE, LARGE_TRAFFIC)
    assert phases(times) == {
        "Settle": 300,
        "Export": 600 + 40_000,
        "Glue start": 120,
        "Bulk load": 250_000,
        "Barrier": 120,
        # 1,500 a second for 291,140 s, applied at 10,000 - 1,500.
        "Drain": pytest.approx(436_710_000 / 8500 + 300),
        "Verify": pytest.approx(120 + 1_220_703_125 / 3000),
    }
    assert times.apply_rate.value == 10_000
    assert times.oldest / DAY == pytest.approx(3.97, abs=0.01)
    assert times.fits


def test_bill_of_10_tb_with_3_indexes() -> None:
    _, lines = planned(LARGE, LARGE_TRAFFIC)
    # One unit for the item and one for its entry in each index.
    assert lines["writes of the bulk load"].amount == 40_000_000_000
    assert lines["export"].amount == pytest.approx(9313.23, abs=0.01)


def test_more_changes_than_can_be_applied_never_drain() -> None:
    times, lines = planned(LARGE, traffic(busiest=10_000, mean=10_000, hottest=0))
    assert math.isinf(times.drain)
    assert not times.fits
    assert all(math.isfinite(line.amount) for line in lines.values())


def test_a_retention_that_is_too_short_does_not_fit() -> None:
    times, _ = planned(replace(LARGE, retention_seconds=3 * DAY), LARGE_TRAFFIC)
    assert not times.fits


@pytest.mark.parametrize(("limit", "seconds"), [(1000, 5000), (40_000, 1250)])
def test_a_limit_of_writes_counts_where_it_is_the_lower(limit: float, seconds: float) -> None:
    times, _ = planned(replace(SMALL, write_units=limit), SMALL_TRAFFIC)
    assert phases(times)["Bulk load"] == seconds


def test_more_concurrency_applies_more() -> None:
    few, _ = planned(LARGE, LARGE_TRAFFIC, Fleet(max_apply_concurrency=20))
    many, _ = planned(LARGE, LARGE_TRAFFIC, Fleet(max_apply_concurrency=1000))
    assert (few.apply_rate.value, many.apply_rate.value) == (2000, 20_000)


def test_larger_workers_are_more_dpus() -> None:
    _, small = planned(SMALL, SMALL_TRAFFIC, Fleet("G.1X", 4))
    _, large = planned(SMALL, SMALL_TRAFFIC, Fleet("G.4X", 8))
    assert large["Glue"].amount == pytest.approx(8 * small["Glue"].amount)


def test_index_entries_are_written_by_what_they_hold() -> None:
    source = table("source", size_bytes=30_000, item_count=10)
    assert units_of_a_write(source, table("destination", indexes={})) == 3
    assert units_of_a_write(source, table("destination", indexes=INDEXES)) == 3 + 3 + 1 + 3


def test_an_empty_source_can_be_planned() -> None:
    times, lines = planned(setup(**pair(0, 0, indexes={})), traffic(0, 0, 0))
    assert phases(times)["Bulk load"] == 0
    assert lines["writes of the bulk load"].amount == 0


def test_every_figure_says_where_it_is_from() -> None:
    for found, written in ((SMALL, SMALL_TRAFFIC), (MEDIUM, MEDIUM_TRAFFIC), (LARGE, LARGE_TRAFFIC)):
        times, lines = planned(found, written)
        assert all(figure.source for figure in (*times.phases, times.apply_rate))
        assert all(line.source for line in lines.values())


def test_money_is_amount_by_price_and_nothing_where_no_more_is_charged() -> None:
    line = Line("writes", 2_000_000, "write units", billing.WRITES, "test")
    assert money(line, {billing.WRITES: 0.625e-6}) == pytest.approx(1.25)
    assert money(line, {}) is None
    assert money(replace(line, price=None), {}) == 0


def test_a_total_needs_every_price() -> None:
    lines = tuple(Line(name, 10, "u", name, "test") for name in ("one", "two"))
    whole = total(lines, {"one": 1.0, "two": 0.5})
    assert whole is not None
    assert whole.value == 15
    assert total(lines, {"one": 1.0}) is None
