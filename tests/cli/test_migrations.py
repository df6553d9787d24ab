"""Finding a migration by name or ARN."""

from __future__ import annotations

import pytest

from ddb_migration_construct.cli.failures import CommandFailed
from ddb_migration_construct.cli.migrations import choose, find_migration
from tests.cli.fakes import BACK, TAGS, FakeStates, arn_of


@pytest.mark.parametrize("name", ["Orders/Migration", arn_of("Orders/Migration")])
def test_a_migration_is_found_by_name_and_by_arn(name: str) -> None:
    found = find_migration(FakeStates("Users/Migration", "Orders/Migration", plain=("Plain",)), name)
    assert found.name == "Orders/Migration"
    assert found.state_machine_arn == arn_of("Orders/Migration")
    parts = tuple(vars(found).values())[2:]
    assert parts == (*TAGS.values(), None, None)


def test_a_migration_that_can_be_rolled_back_has_two_queues_more() -> None:
    states = FakeStates("Orders/Migration")
    states.tags[arn_of("Orders/Migration")].update(BACK)
    found = find_migration(states, "Orders/Migration")
    assert (found.reverse_change_queue, found.reverse_dead_letter_queue) == tuple(BACK.values())


def test_fails_with_a_list_of_what_exists() -> None:
    states = FakeStates("Users/Migration", "Orders/Migration", plain=("Other/Machine",))
    with pytest.raises(CommandFailed, match=r"no migration 'Order'.*\n  Orders/Migration\n  Users/Migration$"):
        find_migration(states, "Order")


def test_fails_with_what_to_do_where_none_exists() -> None:
    with pytest.raises(CommandFailed, match="there are none; deploy a stack .* check profile and Region"):
        find_migration(FakeStates(plain=("Other/Machine",)), "Orders/Migration")


def test_fails_with_the_arns_when_two_have_one_name() -> None:
    states = FakeStates("Orders/Migration")
    states.tags[arn_of("twin")] = {**states.tags[arn_of("Orders/Migration")]}
    with pytest.raises(CommandFailed, match=f"more than one .*(\n.*)*{arn_of('twin')}"):
        find_migration(states, "Orders/Migration")


def test_fails_when_tags_were_removed() -> None:
    states = FakeStates("Orders/Migration")
    del states.tags[arn_of("Orders/Migration")]["ddb-migration:clean-up"]
    with pytest.raises(CommandFailed, match="lost its tags ddb-migration:clean-up; deploy its stack again"):
        find_migration(states, "Orders/Migration")


def test_one_that_lost_its_tags_is_in_no_other_ones_way() -> None:
    states = FakeStates("Shop/Old", "Shop/Orders")
    del states.tags[arn_of("Shop/Old")]["ddb-migration:clean-up"]
    assert find_migration(states, "Shop/Orders").name == "Shop/Orders"
    with pytest.raises(CommandFailed, match="Shop/Old: its state machine .* has lost its tags"):
        choose(states, [], "Shop")


def test_a_state_machine_that_is_deleted_meanwhile_is_none() -> None:
    states = FakeStates("Shop/Orders", plain=("Other/Machine",))
    states.deleted.add(arn_of("Other/Machine"))
    assert find_migration(states, "Shop/Orders").name == "Shop/Orders"
    with pytest.raises(CommandFailed, match="there is no migration 'arn:"):
        find_migration(states, arn_of("Other/Machine"))


def test_no_state_machine_of_others_is_asked_where_a_name_is_found_without() -> None:
    usual = arn_of("OrdersMigrateStateMachine1A2B3C4D-5e6f")
    states = FakeStates(plain=tuple(f"Other/{number}" for number in range(300)))
    states.tags[usual] = {"ddb-migration:name": "Shop/Orders", **TAGS}
    assert [one.name for one in choose(states, ["Shop/Orders", usual, "Shop/Orders"])] == ["Shop/Orders"]
    assert states.asked == [usual]


def test_a_state_machine_of_another_name_is_found_all_the_same_and_each_is_asked_once() -> None:
    states = FakeStates("Shop/Orders", "Shop/Users", plain=("Other/MigrateStateMachine",))
    assert len(choose(states, ["Shop/Orders", "Shop/Users"], "Shop")) == 2
    assert len(states.asked) == len(set(states.asked)) == 3


def test_several_are_chosen_by_name_and_by_stack_each_once() -> None:
    states = FakeStates("Shop/Users", "Other/Migration", "Shop/Orders", "ShopOfOthers/Orders")
    chosen = choose(states, [arn_of("Shop/Users"), "Other/Migration", "Shop/Users"], "Shop")
    assert [migration.name for migration in chosen] == ["Shop/Users", "Other/Migration", "Shop/Orders"]


def test_fails_when_a_stack_has_none() -> None:
    with pytest.raises(CommandFailed, match=r"the stack 'Shop' has no migration .*\n  Orders/Migration$"):
        choose(FakeStates("Orders/Migration"), [], "Shop")
