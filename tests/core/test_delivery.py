from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ddb_migration.core.change import DELETE, PUT, REREAD, Change
from ddb_migration.core.delivery import Delivery, groups, to_apply
from ddb_migration.core.message import Message, encode
from tests.core.strategies import stream_numbers

KEY = {"pk": {"S": "k"}}
_messages = st.lists(
    st.builds(
        lambda kind, number: Message("epoch", kind, KEY, None if kind == REREAD else number),
        st.sampled_from((PUT, DELETE, REREAD)),
        stream_numbers,
    )
)


@given(_messages)
def test_the_newest_change_and_one_reread_are_applied(messages: list[Message]) -> None:
    chosen = to_apply(messages)
    numbers = [int(message.number) for message in messages if message.number is not None]
    assert [int(message.number) for message in chosen if message.number is not None] == (
        [max(numbers)] if numbers else []
    )
    rereads = sum(message.number is None for message in messages)
    assert [message.number for message in chosen if message.number is None] == [None] * min(1, rereads)
    assert all(message in messages for message in chosen)


def test_a_reread_comes_after_the_change() -> None:
    reread, change = Message("epoch", REREAD, KEY), Message("epoch", PUT, KEY, "1" * 21, KEY)
    assert to_apply([reread, change, reread]) == [change, reread]


def record(group: str, body: str, number: int = 1) -> dict[str, Any]:
    return {
        "messageId": f"message-{number}",
        "receiptHandle": f"receipt-{number}",
        "body": body,
        "attributes": {"MessageGroupId": group},
    }


@given(st.lists(st.sampled_from("abc")))
def test_groups_keep_the_order_of_the_queue(names: list[str]) -> None:
    deliveries = [Delivery(str(number), "receipt", name, None) for number, name in enumerate(names)]
    found = groups(deliveries)
    assert sorted(int(each.message_id) for group in found for each in group) == list(range(len(names)))
    for group in found:
        assert len({each.group for each in group}) == 1
        assert [int(each.message_id) for each in group] == sorted(int(each.message_id) for each in group)
    assert len(found) == len(set(names))


def test_a_delivery_is_read_from_its_record() -> None:
    change = Change("1" * 21, PUT, KEY, KEY, 2.0)
    delivery = Delivery.of(record("group", encode("epoch", change)))
    assert delivery == Delivery(
        "message-1", "receipt-1", "group", Message("epoch", PUT, KEY, change.number, KEY, change.created)
    )


def test_an_unreadable_body_is_a_delivery_without_a_message() -> None:
    assert Delivery.of(record("group", '{"v": 99}')).message is None
