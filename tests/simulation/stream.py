"""The source's stream: shards that split, roll over, and trim their records after 24 hours."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

KEPT_SECONDS = 24 * 3600.0
SPACE = 1 << 32

Record = dict[str, Any]


class Shard:
    """One shard of a range of the hash space; `base` counts the records that were trimmed."""

    def __init__(self, name: str, low: int, high: int, parent: Shard | None) -> None:
        self.name = name
        self.low = low
        self.high = high
        self.parent = parent
        self.closed = False
        self.base = 0
        self.records: list[Record] = []
        self.moments: list[float] = []
        self.trimmed_until = 0.0

    @property
    def end(self) -> int:
        """Return the position behind the newest record."""
        return self.base + len(self.records)

    def trim(self, now: float) -> None:
        """Drop what is older than a day."""
        old = 0
        while old < len(self.moments) and self.moments[old] < now - KEPT_SECONDS:
            old += 1
        if old:
            self.trimmed_until = self.moments[old - 1]
            del self.records[:old], self.moments[:old]
            self.base += old

    def slice(self, first: int, last: int) -> list[Record]:
        """Return the records of positions that are still there."""
        return self.records[max(0, first - self.base) : max(0, last - self.base)]


class Stream:
    """One stream; `grown` is told of each shard that has a new record or is new."""

    def __init__(self, arn: str, view: str, first_number: int, draws: random.Random) -> None:
        self.arn = arn
        self.view = view
        self.shards: list[Shard] = []
        self.grown: list[Callable[[Shard], None]] = []
        self.ended = False
        self._draws = draws
        self._number = first_number
        self._open: list[Shard] = []
        self._add(0, SPACE, None)

    def _add(self, low: int, high: int, parent: Shard | None) -> Shard:
        shard = Shard(f"shard-{len(self.shards)}", low, high, parent)
        self.shards.append(shard)
        self._open.append(shard)
        return shard

    def append(self, place: int, now: float, kind: str, keys: Any, image: Any, by_time_to_live: bool) -> str:
        """Record a change and return its sequence number."""
        self._number += 1 + int(self._draws.random() * 5)
        number = str(self._number)
        body = {
            "Keys": keys,
            "SequenceNumber": number,
            "ApproximateCreationDateTime": float(int(now)),
            "StreamViewType": self.view,
        }
        if image is not None and self.view != "KEYS_ONLY":
            body["NewImage"] = image
        record: Record = {
            "eventName": kind,
            "eventSource": "aws:dynamodb",
            "eventSourceARN": self.arn,
            "dynamodb": body,
        }
        if by_time_to_live:
            record["userIdentity"] = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
        shard = next(shard for shard in self._open if shard.low <= place < shard.high)
        shard.records.append(record)
        shard.moments.append(now)
        self._tell(shard)
        return number

    def split(self) -> None:
        """Close one open shard; two children take its range, or one (a roll-over)."""
        parent = self._draws.choice(self._open)
        parent.closed = True
        self._open.remove(parent)
        middle = (parent.low + parent.high) // 2
        bounds = [parent.low, middle, parent.high] if self._draws.random() < 0.7 else [parent.low, parent.high]
        for low, high in zip(bounds, bounds[1:], strict=False):
            self._tell(self._add(low, high, parent))

    def end(self) -> None:
        """Close every shard: the stream was switched off."""
        self.ended = True
        for shard in self._open:
            shard.closed = True
        self._open = []

    def _tell(self, shard: Shard) -> None:
        for told in self.grown:
            told(shard)
