"""Interruptions: raised once, held back while something is being started."""

from __future__ import annotations

import signal

import pytest

from ddb_migration_construct.rehearsal.interruptions import Interruptions


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_signal_interrupts_once_and_later_ones_do_not_cut_the_ending_short(number: int) -> None:
    with Interruptions():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)


def test_an_interruption_waits_for_the_end_of_the_block() -> None:
    started = []

    def start(interruptions: Interruptions) -> None:
        with interruptions.held():
            signal.raise_signal(signal.SIGINT)
            started.append("all")

    with Interruptions() as interruptions, pytest.raises(KeyboardInterrupt):
        start(interruptions)
    assert started == ["all"]


def test_nothing_is_raised_without_a_signal() -> None:
    with Interruptions() as interruptions, interruptions.held():
        pass


def test_a_closed_terminal_is_no_matter_under_nohup() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interruptions():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_what_was_there_before_is_restored() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interruptions():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before
