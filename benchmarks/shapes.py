"""The shapes of items that the benchmarks move, and the Scan pages that hold them."""

from __future__ import annotations

import base64
import json
import random
import string
import uuid
from collections.abc import Callable
from typing import Any

Item = dict[str, dict[str, Any]]

_LETTERS = string.ascii_letters + string.digits
# DynamoDB ends a page when the items in it reach 1 MB.
PAGE_BYTES = 1024 * 1024


def flat(draw: random.Random, number: int) -> Item:
    """200 B: six flat attributes."""
    return {
        "pk": {"S": f"CUSTOMER#{uuid.UUID(int=draw.getrandbits(128))}"},
        "sk": {"S": f"ORDER#{number:010d}"},
        "amount": {"N": str(draw.randint(1, 10**7) / 100)},
        "status": {"S": draw.choice(["NEW", "PAID", "SHIPPED"])},
        "updatedAt": {"S": "2026-11-23T09:17:29.123Z"},
        "note": {"S": _text(draw, 66)},
    }


def nested(draw: random.Random, number: int) -> Item:
    """1 KB: all types, a nested map, a list of maps."""
    event = {"at": {"S": "2026-11-23T09:17:29.123Z"}, "name": {"S": _text(draw, 8)}, "n": {"N": str(number)}}
    place = {"lat": {"N": "48.137154"}, "lon": {"N": "11.576124"}}
    return {
        "pk": {"S": f"USER#{uuid.UUID(int=draw.getrandbits(128))}"},
        "sk": {"S": f"PROFILE#{number:010d}"},
        "name": {"S": _text(draw, 18) + ' Zoë "Q" O\\Neil'},
        "age": {"N": str(draw.randint(1, 99))},
        "active": {"BOOL": True},
        "gone": {"NULL": True},
        "score": {"N": f"{draw.random() * 1000:.6f}"},
        "address": {"M": {"street": {"S": _text(draw, 24)}, "city": {"S": _text(draw, 12)}, "geo": {"M": place}}},
        "history": {"L": [{"M": event} for _ in range(6)]},
        "tags": {"SS": [_text(draw, 7) + str(tag) for tag in range(5)]},
        "numbers": {"NS": [str(place * 7 + draw.randint(0, 6)) for place in range(5)]},
        "blob": {"B": base64.b64encode(draw.randbytes(120)).decode()},
        "bio": {"S": _text(draw, 220)},
    }


def large(draw: random.Random, number: int) -> Item:
    """20 KB: the nested one with a long text, sixty maps in a list and 4 KB of binary."""
    item = nested(draw, number)
    item["document"] = {"S": _text(draw, 9000)}
    item["lines"] = {"L": [{"M": _line(draw)} for _ in range(60)]}
    item["picture"] = {"B": base64.b64encode(draw.randbytes(4000)).decode()}
    return item


def braces(draw: random.Random, number: int) -> Item:
    """1 KB of strings that hold JSON documents, so braces that are no structure."""
    item = nested(draw, number)
    rows = [{"id": _text(draw, 6), "of": [{"n": row}, {}]} for row in range(5)]
    item["bio"] = {"S": json.dumps({"rows": rows})}
    item["name"] = {"S": "},{"}
    item["tags"] = {"SS": ["{", "}", '}],"Count":', "{}"]}
    return item


def _line(draw: random.Random) -> Item:
    return {
        "sku": {"S": _text(draw, 12)},
        "quantity": {"N": str(draw.randint(1, 9))},
        "price": {"N": str(draw.randint(1, 10**5) / 100)},
        "text": {"S": _text(draw, 50)},
    }


def _text(draw: random.Random, length: int) -> str:
    return "".join(draw.choices(_LETTERS, k=length))


SHAPES: dict[str, Callable[[random.Random, int], Item]] = {
    "200b": flat,
    "1kb": nested,
    "20kb": large,
    "braces": braces,
}


def page_of(shape: str, number: int = 1) -> list[Item]:
    """Return the items of one full page, each number another; the same at every call."""
    draw, size = random.Random(number), 0  # noqa: S311  no secret
    items: list[Item] = []
    while size < PAGE_BYTES:
        item = SHAPES[shape](draw, len(items))
        size += sum(len(name) + _size(value) for name, value in item.items())
        items.append(item)
    return items[:-1]


def _size(value: dict[str, Any]) -> int:
    """Return about what DynamoDB counts for an attribute value, in bytes."""
    ((kind, content),) = value.items()
    return _SIZES.get(kind, lambda content: 1)(content)


_SIZES: dict[str, Callable[[Any], int]] = {
    "S": lambda text: len(text.encode()),
    "N": lambda text: len(text) // 2 + 2,
    "B": lambda text: len(text) * 3 // 4,
    "SS": lambda members: sum(_size({"S": member}) for member in members),
    "NS": lambda members: sum(_size({"N": member}) for member in members),
    "L": lambda members: 3 + sum(1 + _size(member) for member in members),
    "M": lambda members: 3 + sum(len(name) + 1 + _size(member) for name, member in members.items()),
}


def as_text(value: object) -> bytes:
    """Return JSON as DynamoDB writes it: compact, in UTF-8."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
