"""Items that the user gives: a file of DynamoDB JSON, or the folder of an export to S3."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ddb_migration_construct.rehearsal.canonical import canonical, canonical_value
from ddb_migration_construct.rehearsal.key_shape import KeyShape

# As boto3's low-level client takes it: binary as bytes.
GivenItem = Mapping[str, Mapping[str, Any]]

_SUMMARY = "manifest-summary.json"
_FILES = "manifest-files.json"


class ItemsFileInvalid(Exception):
    """The items file cannot be used; the message says where and why."""


def read_given_items(path: Path, key_shape: KeyShape) -> tuple[GivenItem, ...]:
    """Read the items of a file (a JSON array, or one JSON object a line) or of an export's folder.

    Each is an item in DynamoDB JSON, or an object with one in its member "Item". Raises ItemsFileInvalid when
    the file cannot be read or is empty, an item is not DynamoDB JSON or lacks the key, or two items have one key.
    """
    entries = _of_export(path) if path.is_dir() else _of_text(path, _content(path))
    items = tuple(_item(where, entry, key_shape) for where, entry in entries)
    if not items:
        raise ItemsFileInvalid(f"{path} holds no items, so that a rehearsal would show nothing of them")
    _require_distinct(path, items, key_shape)
    return items


def _content(path: Path) -> str:
    try:
        raw = path.read_bytes()
        return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise ItemsFileInvalid(f"{path} cannot be read: {error}") from error


def _of_text(path: Path, content: str) -> Iterator[tuple[str, Any]]:
    """Yield each entry of an array or of lines, with the place where it stands."""
    if content.lstrip().startswith("["):
        for number, entry in enumerate(_parsed(str(path), content), 1):
            yield f"item {number} of {path}", entry
        return
    # Not splitlines: strings may hold other line separators than these.
    for number, line in enumerate(content.split("\n"), 1):
        if line.strip():
            yield f"line {number} of {path}", _parsed(f"line {number} of {path}", line)


def _parsed(where: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ItemsFileInvalid(f"{where} is no JSON: {error}; give a JSON array, or one JSON object a line") from error


def _of_export(folder: Path) -> Iterator[tuple[str, Any]]:
    """Yield the entries of the files that the export's manifest lists, and no others."""
    summaries = sorted(folder.rglob(_SUMMARY))
    if len(summaries) != 1:
        raise ItemsFileInvalid(
            f"{folder} holds {len(summaries)} files {_SUMMARY}; give the folder of one export, with its manifests"
        )
    for row in _content(summaries[0].with_name(_FILES)).splitlines():
        file = _parsed(str(summaries[0].with_name(_FILES)), row)
        path = summaries[0].parent / "data" / str(file["dataFileS3Key"]).rsplit("/", 1)[-1]
        entries = list(_of_text(path, _content(path)))
        if len(entries) != file["itemCount"]:
            raise ItemsFileInvalid(f"{path} holds {len(entries)} items and the manifest says {file['itemCount']}")
        yield from entries


def _item(where: str, entry: Any, key_shape: KeyShape) -> GivenItem:
    content = entry["Item"] if isinstance(entry, dict) and set(entry) == {"Item"} else entry
    try:
        item = {name: with_bytes(value) for name, value in content.items()}
        canonical(item)
    except (ArithmeticError, AttributeError, TypeError, ValueError) as error:
        raise ItemsFileInvalid(f"{where} is not DynamoDB JSON, such as {{'id': {{'S': 'a'}}}}: {error}") from error
    for name, kind in key_shape.attributes().items():
        if kind not in item.get(name, {}):
            raise ItemsFileInvalid(f"{where} has no key attribute {name!r} of type {kind}; see --key")
    return item


def with_bytes(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return an attribute value of JSON with its base64 decoded; raises ValueError when that is no base64."""
    ((kind, content),) = value.items()
    if kind == "B":
        return {kind: _bytes(content)}
    if kind == "BS":
        return {kind: [_bytes(member) for member in content]}
    if kind == "L":
        return {kind: [with_bytes(member) for member in content]}
    if kind == "M":
        return {kind: {name: with_bytes(member) for name, member in content.items()}}
    return {kind: content}


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"a binary value is not base64: {error}") from error


def _require_distinct(path: Path, items: Iterable[GivenItem], key_shape: KeyShape) -> None:
    seen = set()
    for number, item in enumerate(items, 1):
        key = tuple(canonical_value(item[name]) for name in key_shape.attributes())
        if key in seen:
            raise ItemsFileInvalid(
                f"item {number} of {path} has the key of an earlier one; a table holds each key once"
            )
        seen.add(key)
