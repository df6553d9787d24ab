"""The identity of an item: its primary key, typed, in one canonical form."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable
from decimal import Context, Decimal

from ddb_migration.core.attribute_values import Item

_dumps = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
# DynamoDB's numbers have up to 38 digits (Developer Guide, "Data types"); the default context would round them.
_DIGITS = Context(prec=64)


def canonical_key(key: Item) -> str:
    """Return one text for one key: attributes by name, types kept, numbers by value.

    The key holds binary as base64 text. `1`, `1.0` and `1E0` are the same number to DynamoDB, so to this text.
    """
    return _text(tuple([(name, *typed) for name, value in key.items() for typed in value.items()]))


def key_of_canonical(text: str) -> dict[str, dict[str, str]]:
    """Return a key whose canonical form is this text; numbers are written out, as DynamoDB writes them."""
    return {
        name: {kind: f"{Decimal(content):f}" if kind == "N" else content} for name, kind, content in json.loads(text)
    }


def message_group(key: Item) -> str:
    """Return the MessageGroupId of a key: SHA-256 in hex, so that keys of any length and character fit SQS."""
    return _sha256(canonical_key(key))


def watermark_id(stream_arn: str, key: Item) -> str:
    """Return the partition key of a key's watermark; sequence numbers compare within one stream only."""
    return _sha256(f"{stream_arn}\n{canonical_key(key)}")


def deduplication_id(epoch: str, stream_arn: str, number: str) -> str:
    """Return the MessageDeduplicationId of one change of one stream in one epoch.

    The epoch is in it because SQS remembers an id for five minutes, longer than an abort and a new start take.
    """
    return _sha256(f"{epoch}\n{stream_arn}\n{number}")


def key_of(item: Item, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return the primary key of an item, given the names of its key attributes."""
    return {name: dict(item[name]) for name in names}


def canonical_number(text: str) -> str:
    """Return one text for one number, to the last of its digits: `1`, `1.0` and `1E0` give the same."""
    value = Decimal(text)
    return "0" if value.is_zero() else str(value.normalize(_DIGITS))


# Capture asks twice for each change's key, and apply three times.
@functools.lru_cache(maxsize=1024)
def _text(key: tuple[tuple[str, str, str], ...]) -> str:
    return _dumps([_canonical(*attribute) for attribute in sorted(key)])


def _canonical(name: str, kind: str, content: str) -> tuple[str, str, str]:
    return name, kind, canonical_number(content) if kind == "N" else str(content)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
