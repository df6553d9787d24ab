"""Joining: leftovers of all segments, matched once more; needed where the two tables are not split alike.

What travels is a record of 17 bytes for each leftover, its side and its digest, many in one blob. Equal records meet
in one part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ddb_migration.core.canonical import DIGEST_BYTES
from ddb_migration.core.matching import SIDES, Leftover

RECORD_BYTES = 1 + DIGEST_BYTES
BLOB_BYTES = 100_000
# So many leftovers are joined in one part: some 100 MB of Python's memory.
PART_RECORDS = 500_000
# So many items without an equal are looked at again; where more differ, the tables were not copied.
MOST_UNMATCHED = 200_000


def parts_for(leftovers: int) -> int:
    """Return into how many parts so many leftovers go."""
    return max(1, -(-leftovers // PART_RECORDS))


def record_of(leftover: Leftover) -> bytes:
    """Return a leftover's record."""
    return bytes((leftover.side,)) + leftover.digest


def blobs(leftovers: Iterable[Leftover], parts: int) -> Iterator[tuple[int, bytes]]:
    """Yield (part, records) of leftovers; leftovers of one digest are in one part."""
    gathered: dict[int, bytearray] = {}
    for leftover in leftovers:
        part = int.from_bytes(leftover.digest[:4], "big") % parts
        blob = gathered.setdefault(part, bytearray())
        blob += record_of(leftover)
        if len(blob) >= BLOB_BYTES:
            yield part, bytes(gathered.pop(part))
    yield from ((part, bytes(blob)) for part, blob in gathered.items())


def unmatched(part: Iterable[bytes], most: int) -> tuple[int, bytes]:
    """Return how many records of one part have no equal on the other side, and at most so many of them."""
    digests: Sequence[set[bytes]] = (set(), set())
    for blob in part:
        for start in range(0, len(blob), RECORD_BYTES):
            digests[blob[start]].add(blob[start + 1 : start + RECORD_BYTES])
    left = [bytes((side,)) + digest for side in SIDES for digest in sorted(digests[side] - digests[1 - side])]
    return len(left), b"".join(left[:most])


def records_in(blob: bytes) -> set[bytes]:
    """Return the records of a blob."""
    return {blob[start : start + RECORD_BYTES] for start in range(0, len(blob), RECORD_BYTES)}
