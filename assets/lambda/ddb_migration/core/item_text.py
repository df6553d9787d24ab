"""Items as the text in which DynamoDB sends them: cut out of Scan pages and export lines, put into requests.

An item's text here is what stands between its outer braces: `"pk":{"S":"a"},"n":{"N":"1"}`. Nothing is parsed and
written again on the way, so every value keeps its type, its digits and its spelling.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ddb_migration.core.item_key import canonical_key, key_of

# Two items of a page meet at `},{`. Such a place is a border, and nothing else, when what follows shows it:
#  - inside a string the quote after `{` would end the string, so one of `} ] , :` or white space would follow it;
#  - in a list the next element would start with its type: `"S":"...`, `"L":[...`, `"M":{...`.
# An attribute's value is always an object, so an attribute called S gives `"S":{` and is no list element; only
# one called M cannot be told apart. A border that this overlooks shows as a wrong count.
_BORDER = re.compile(rb'\},\{(?="(?!M":|(?:S|N|B|L|BOOL|NULL|SS|NS|BS)":[^{])[^\s}\],:])')
_ITEMS = b'"Items":['
_NAME_STARTS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LINE_HEAD, _LINE_TAIL = b'{"Item":{', b"}}"
_LINE_BORDER = _LINE_TAIL + b"\n" + _LINE_HEAD
_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()
# What DynamoDB writes when it took everything; the value of an attribute of that name is never empty.
_ALL_TAKEN = b'"UnprocessedItems":{}'
_NEXT_PUT, _WRITE_TAIL = b'}}},{"PutRequest":{"Item":{', b"}}}]}}"
_UNITS = re.compile(rb'"CapacityUnits":([0-9.eE+-]+)')


class NotDynamoDbJson(ValueError):
    """A text is not what DynamoDB writes; nothing of it may be copied."""


@dataclass(frozen=True)
class Portion:
    """Items read in one go: their texts, where to go on as JSON (None at the end), and the units consumed.

    `size` is that of the texts, in bytes, as they were read: whoever takes the items may empty the list.
    """

    items: list[bytes]
    position: str | None
    units: float
    size: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", sum(map(len, self.items)))


@dataclass(slots=True)
class Written:
    """What a BatchWriteItem did: which of its items DynamoDB left unprocessed, and the units it consumed."""

    left: Sequence[int]
    units: float


def scan_page(body: bytes) -> Portion:
    """Cut a Scan's answer into items; raises NotDynamoDbJson when it is none."""
    return _cut(body) or _decoded(body)


def line_text(line: bytes) -> bytes:
    """Return the item's text of one line of an export in DynamoDB JSON; raises NotDynamoDbJson."""
    if line.startswith(_LINE_HEAD) and line.endswith(_LINE_TAIL):
        return line[len(_LINE_HEAD) : -len(_LINE_TAIL)]
    members, items = _Walk(line, "Item").members(is_list=False)
    if len(items) != 1 or members:
        raise NotDynamoDbJson(f"a line of the export, of {len(line)} bytes, holds no item, or more than one")
    return items[0]


def line_texts(begun: bytes, more: bytes) -> tuple[list[bytes], bytes]:
    """Cut the next piece of an export, after a line already `begun`, into texts of items, and a line that it begins.

    Raises NotDynamoDbJson. A line's end is written nowhere else in JSON, not even in a string: where as many borders
    as line ends are found, every line begins and ends as DynamoDB writes it, and all are cut at once.
    """
    first, *texts = more.split(_LINE_BORDER)
    first = begun + first
    rest = _LINE_HEAD + texts.pop() if texts else b""
    is_cut = more.count(b"\n") == len(texts) + bool(rest) and b"\n" not in rest
    if not (is_cut and rest and first.startswith(_LINE_HEAD)):
        *lines, rest = (begun + more).split(b"\n")
        return [line_text(line) for line in lines if line], rest
    return [first[len(_LINE_HEAD) :], *texts], rest


def parsed(text: bytes) -> dict[str, Any]:
    """Return the item of a text as DynamoDB JSON, binary as base64 text."""
    item: dict[str, Any] = json.loads(b"{%b}" % text)
    return item


class Requests:
    """Writes the bodies of Scan and BatchWriteItem for two tables, named by ARN.

    Scans are consistent, so that what was written before capture began is seen, unless told otherwise.
    """

    def __init__(self, source: str, destination: str, *, consistent: bool = True) -> None:
        self._consistent = json.dumps(consistent)
        self.source = source
        self._source = json.dumps(source)
        head = '{"ReturnConsumedCapacity":"TOTAL","RequestItems":{%s:[{"PutRequest":{"Item":{'
        self._write_head = (head % json.dumps(destination)).encode()

    def scan(self, segment: int, total: int, start: str | None, limit: int) -> bytes:
        """Return a Scan of one segment from the key `start` (JSON) on, of at most `limit` items."""
        body = (
            f'{{"TableName":{self._source},"Segment":{segment},"TotalSegments":{total},"Limit":{limit},'
            f'"ConsistentRead":{self._consistent},"ReturnConsumedCapacity":"TOTAL"'
        )
        return (body + (f',"ExclusiveStartKey":{start}}}' if start else "}")).encode()

    def write(self, items: Sequence[bytes]) -> bytes:
        """Return a BatchWriteItem that puts the items."""
        # One copy of the items less than adding would make.
        return b"".join((self._write_head, _NEXT_PUT.join(items), _WRITE_TAIL))


def written(answer: bytes, items: Sequence[bytes], key_names: Sequence[str]) -> Written:
    """Read a BatchWriteItem's answer to these items."""
    if _ALL_TAKEN in answer:
        found = _UNITS.search(answer)
        return Written((), float(found[1]) if found else 0.0)
    told = json.loads(answer)
    puts = [put for puts in told.get("UnprocessedItems", {}).values() for put in puts]
    left = _places([put["PutRequest"]["Item"] for put in puts], items, key_names) if puts else ()
    return Written(left, sum(float(row["CapacityUnits"]) for row in told.get("ConsumedCapacity", [])))


def _places(left: Sequence[dict[str, Any]], items: Sequence[bytes], key_names: Sequence[str]) -> Sequence[int]:
    """Find the items left by their keys: DynamoDB may give the attributes of an item in another order."""
    everything = range(len(items))
    if len(left) >= len(items):
        return everything
    keys = {canonical_key(key_of(item, key_names)) for item in left}
    places = [place for place in everything if canonical_key(key_of(parsed(items[place]), key_names)) in keys]
    # Puts may be repeated, so where the answer cannot be understood all of them are.
    return places if len(places) >= len(left) else everything


def _cut(body: bytes) -> Portion | None:
    """Cut at the borders where their number proves that all were found, else return None."""
    first = body.find(_ITEMS) + len(_ITEMS)
    last = _end_of_items(body, first)
    if first < len(_ITEMS) or last is None:
        return None
    try:
        members = json.loads(body[:first] + body[last:])
    except ValueError:
        return None
    items = _BORDER.split(body[first + 1 : last - 1]) if last > first else []
    return _page(members, items) if members.get("Count") == len(items) else None


def _end_of_items(body: bytes, first: int) -> int | None:
    """Return where the array's `]` stands: in an item `]` is followed by `}`, in a string no letter follows a quote."""
    if body[first : first + 1] == b"]":
        return first
    last = body.rfind(b'}],"', first)
    if last >= 0 and body[last + 4] in _NAME_STARTS:
        return last + 1
    return len(body) - 2 if body.endswith(b"}]}") else None


def _page(members: dict[str, Any], items: list[bytes]) -> Portion:
    key = members.get("LastEvaluatedKey")
    units = float(members.get("ConsumedCapacity", {}).get("CapacityUnits", 0.0))
    return Portion(items, json.dumps(key, separators=(",", ":")) if key else None, units)


def _decoded(body: bytes) -> Portion:
    """Cut a page of any layout: each item is decoded to learn where it ends, and taken as it is written."""
    members, items = _Walk(body, "Items").members(is_list=True)
    if members.get("Count", len(items)) != len(items):
        raise NotDynamoDbJson(f"a page holds {len(items)} items and says {members['Count']}")
    return _page(members, items)


class _Walk:
    """Walks through the members of one JSON object and keeps the texts of what stands under one name."""

    def __init__(self, body: bytes, wanted: str) -> None:
        try:
            self._text = body.decode()
        except UnicodeDecodeError as error:
            raise NotDynamoDbJson(f"not UTF-8: {error}") from error
        self._wanted = wanted
        self._at = 0

    def members(self, *, is_list: bool) -> tuple[dict[str, Any], list[bytes]]:
        """Return the other members, and the texts of the objects wanted."""
        members: dict[str, Any] = {}
        items: list[bytes] = []
        self._take("{")
        while not self._took("}"):
            name = self._value()
            self._take(":")
            if name == self._wanted:
                items += self._objects() if is_list else [self._object()]
            else:
                members[name] = self._value()
            self._took(",")
        return members, items

    def _objects(self) -> list[bytes]:
        found: list[bytes] = []
        self._take("[")
        while not self._took("]"):
            found.append(self._object())
            self._took(",")
        return found

    def _object(self) -> bytes:
        self._skip()
        start = self._at
        if not isinstance(self._value(), dict):
            raise NotDynamoDbJson(f"an object is expected at character {start}")
        return self._text[start + 1 : self._at - 1].strip().encode()

    def _value(self) -> Any:
        self._skip()
        try:
            value, self._at = _DECODER.raw_decode(self._text, self._at)
        except ValueError as error:
            raise NotDynamoDbJson(f"not JSON: {error}") from error
        return value

    def _take(self, sign: str) -> None:
        if not self._took(sign):
            raise NotDynamoDbJson(f"{sign!r} is expected at character {self._at}")

    def _took(self, sign: str) -> bool:
        self._skip()
        found = self._text.startswith(sign, self._at)
        self._at += found
        return found

    def _skip(self) -> None:
        found = _SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at
