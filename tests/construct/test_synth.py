"""How many calls into the CDK's runtime a migration costs: a count, which no load of the machine changes."""

from __future__ import annotations

import pytest

from benchmarks.synth import GOAL, IN_A_STACK, MOST_CALLS, calls_of, counted, run
from tests.construct.stacks import new_stack


@pytest.fixture(scope="module")
def calls() -> dict[int, int]:
    # What is asked once in a process is not one migration's.
    calls_of(1)
    return {count: calls_of(count) for count in (1, 2, 3)}


def test_one_more_migration_of_a_stack(calls: dict[int, int], capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\nthe first migration of a stack is {calls[1]} calls, each further one {calls[3] - calls[2]}")
    assert calls[2] - calls[1] == calls[3] - calls[2] <= MOST_CALLS


def test_the_first_of_a_stack(calls: dict[int, int]) -> None:
    # The stack's own: its facts, seven folders of code, four files for the jobs, the dashboard.
    assert calls[1] - (calls[3] - calls[2]) <= 42


def test_each_of_a_full_stack(capsys: pytest.CaptureFixture[str]) -> None:
    # In a process of its own: all that a process, an app and a stack ask for once is in it. More stacks cost less each.
    calls, _ = run(IN_A_STACK)
    with capsys.disabled():
        print(f"\n{IN_A_STACK} migrations of a stack are {calls} calls, {calls / IN_A_STACK:.1f} each")
    assert calls <= GOAL * IN_A_STACK


def test_one_more_in_a_construct_of_its_own(calls: dict[int, int]) -> None:
    inside = [calls_of(count, wrapped=True) for count in (2, 3)]
    assert calls[3] - calls[2] < inside[1] - inside[0] <= GOAL


def test_every_kind_of_call_is_counted() -> None:
    with counted() as counter:
        stack = new_stack()
        created = counter.calls
        assert created
        assert stack.stack_name
        read = counter.calls
        assert read == created + 1
        stack.format_arn(service="s3", resource="bucket")
        assert counter.calls == read + 1
    assert stack.region
    assert counter.calls == read + 1
