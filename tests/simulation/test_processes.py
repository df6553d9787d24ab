"""Work in processes of their own: its results come in order, and no process stays."""

from __future__ import annotations

import multiprocessing
import os
import time

import pytest

from tests.simulation.processes import Processes

pytestmark = pytest.mark.timeout(60)


def slower_at_first(share: int) -> tuple[int, int]:
    time.sleep(0.2 if share == 0 else 0.0)
    return share, os.getpid()


def far_slower_later(share: int) -> None:
    time.sleep(30.0 if share else 0.0)


def failing_at(share: int) -> float:
    return 1 / (1 - share)


@pytest.mark.parametrize("most", [1, 2, 3])
def test_results_come_in_order_each_from_a_process_of_its_own(most: int) -> None:
    results = list(Processes(slower_at_first, most).results(range(5)))
    assert [share for share, _ in results] == [0, 1, 2, 3, 4]
    assert len({process for _, process in results} - {os.getpid()}) == 5
    assert not multiprocessing.active_children()


def test_no_process_stays_when_nobody_asks_for_more() -> None:
    results = Processes(far_slower_later, 2).results(range(4))
    next(results)
    results.close()
    assert not multiprocessing.active_children()


def test_work_that_fails_ends_the_rest_and_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ChildProcessError, match="share 1 ended with 1 and no result"):
        list(Processes(failing_at, 2).results(range(3)))
    assert "ZeroDivisionError" in capfd.readouterr().err
    assert not multiprocessing.active_children()
