"""The body of a message in the change queue."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ddb_migration.core.attribute_values import Item
from ddb_migration.core.change import DELETE, PUT, REREAD, Change
from ddb_migration.core.watermark import mark

# SQS: one message and the sum of a SendMessageBatch are both at most 1 MiB (SQS API, SendMessageBatch).
MESSAGE_LIMIT_BYTES = 1_048_576
# SQS bills each 64 KB chunk; compressing small bodies would cost more CPU than it saves.
COMPRESS_ABOVE_BYTES = 200_000


_ascii = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class UnknownMessage(ValueError):
    """A body that this version did not write."""


@dataclass(frozen=True)
class Message:
    """What WriteCdc is told: one key, what to do with it, and the change that it stands for.

    `number` is None for a reread that no change asked for (by hand, redrive or repair).
    """

    epoch: str
    kind: str
    key: Item
    number: str | None = None
    image: Item | None = None
    created: float = 0.0


def encode(epoch: str, change: Change) -> str:
    """Return the body for a change; what does not fit in one message travels as a reread.

    The body is ASCII, because SQS rejects several characters that items may hold (SQS API, SendMessage).
    """
    plain = _body(epoch, change.kind, change, {"image": change.image} if change.image is not None else {})
    if len(plain) <= COMPRESS_ABOVE_BYTES or change.image is None:
        return plain
    packed = _body(epoch, change.kind, change, {"packed": _pack(change.image)})
    return packed if len(packed) <= MESSAGE_LIMIT_BYTES else _body(epoch, REREAD, change, {})


def encode_reread(epoch: str, key: Item, number: str | None = None, created: float = 0.0) -> str:
    """Return the body of a reread: of no change, or, given its number, one that stands for that change."""
    change = {} if number is None else {"number": number, "created": created}
    return _ascii({"v": 1, "epoch": epoch, "kind": REREAD, **change, "key": key})


def decode(body: str) -> Message:
    """Read a body.

    Raises UnknownMessage when the body is not one that `encode` or `encode_reread` wrote.
    """
    try:
        fields = json.loads(body)
        if fields["v"] != 1 or fields["kind"] not in (PUT, DELETE, REREAD):
            raise UnknownMessage(f"version {fields['v']!r}, kind {fields['kind']!r}")
        return _message(fields)
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        raise UnknownMessage(f"the change queue holds a message that this version cannot read: {error!r}") from error


def _message(fields: Mapping[str, Any]) -> Message:
    image = _unpack(fields["packed"]) if "packed" in fields else fields.get("image")
    if fields["kind"] == PUT and image is None:
        raise UnknownMessage("a put without an image")
    return Message(
        epoch=fields["epoch"],
        kind=fields["kind"],
        key=fields["key"],
        number=_number(fields.get("number")),
        image=image,
        created=fields.get("created", 0.0),
    )


def _number(number: Any) -> str | None:
    """Refuse here what no watermark could be made of: one such message must not fail the others of its batch."""
    if number is None:
        return None
    mark(str(number))
    return str(number)


def _body(epoch: str, kind: str, change: Change, image: Mapping[str, Any]) -> str:
    head = {"v": 1, "epoch": epoch, "kind": kind, "number": change.number, "created": change.created}
    return _ascii({**head, "key": change.key, **image})


def _pack(image: Item) -> str:
    return base64.b64encode(zlib.compress(_text(image).encode("utf-8", "surrogatepass"), 6)).decode("ascii")


def _unpack(packed: str) -> Item:
    text = zlib.decompress(base64.b64decode(packed, validate=True)).decode("utf-8", "surrogatepass")
    image: Item = json.loads(text)
    return image
