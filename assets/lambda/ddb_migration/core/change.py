"""One change: a record of the source's stream, as the migration understands it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ddb_migration.core.attribute_values import Item
from ddb_migration.core.item_key import canonical_key
from ddb_migration.core.watermark import mark

PUT = "put"
DELETE = "delete"
REREAD = "reread"


@dataclass(frozen=True)
class Change:
    """What happened to one key: its sequence number, what to do, and the image to put.

    `key` and `image` are DynamoDB JSON with binary as base64 text; `created` is in epoch seconds, rounded down
    by DynamoDB to the second, so it measures lag and never orders.
    """

    number: str
    kind: str
    key: Item
    image: Item | None
    created: float

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Change:
        """Read a stream record as Lambda delivers it.

        A record without the image that it should have (a KEYS_ONLY stream) becomes a reread.
        """
        body = record["dynamodb"]
        image = body.get("NewImage")
        return cls(
            number=body["SequenceNumber"],
            kind=_kind(record["eventName"], body.get("StreamViewType"), image),
            key=body["Keys"],
            image=image,
            created=float(body.get("ApproximateCreationDateTime", 0)),
        )


def newest_per_key(changes: Iterable[Change]) -> list[Change]:
    """Return the newest change of each key, ordered by number.

    A cost measure: the newest change carries the whole item, so the older ones of a batch need no message.
    """
    newest: dict[str, Change] = {}
    for change in changes:
        key = canonical_key(change.key)
        if key not in newest or mark(newest[key].number) < mark(change.number):
            newest[key] = change
    return sorted(newest.values(), key=lambda change: mark(change.number))


def _kind(event_name: str, view_type: str | None, image: Item | None) -> str:
    if view_type == "KEYS_ONLY":
        return REREAD
    if event_name == "REMOVE":
        return DELETE
    return PUT if image is not None else REREAD
