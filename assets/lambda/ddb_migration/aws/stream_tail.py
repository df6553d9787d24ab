"""The tail of a stream, read past Lambda: every change in it must have been applied, or something newer.

Capture tells of what it was given. What it was not given (a shard that Lambda holds back) only the stream itself
shows. How far each shard was found applied is kept in the control table, so that little is left when it is urgent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from ddb_migration.aws.errors import code
from ddb_migration.aws.rows import Rows
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core.attribute_values import Item, with_base64
from ddb_migration.core.item_key import canonical_key, key_of_canonical
from ddb_migration.core.stream_record import is_expiry
from ddb_migration.core.watermark import is_applied, mark

# An open shard never says that it ended, and pages may be empty before records come (Streams API, GetRecords: "it
# might take multiple calls to get to a portion of the shard that contains stream records"). So many empty pages in a
# row behind one place are taken for its end, and no pass looks at fewer than two: passes follow each other, and one
# that goes on behind the empty pages of the last one is at the end of what Lambda is given too.
EMPTY_PAGES, LEAST_PAGES = 10, 2
# DynamoDB Streams API, GetShardIterator: an iterator expires 15 minutes after it was returned.
ITERATOR_SECONDS = 14 * 60.0
# DynamoDB Streams API: the shard's oldest records, or the shard, went after 24 hours; the iterator after 15 minutes.
_GONE = frozenset({"TrimmedDataAccessException", "ResourceNotFoundException", "ExpiredIteratorException"})
_THROTTLED = frozenset({"LimitExceededException", "ProvisionedThroughputExceededException", "ThrottlingException"})

Mapper = Callable[[Callable[[str], "ShardTail"], Iterable[str]], Iterable["ShardTail"]]


@dataclass(frozen=True)
class ShardTail:
    """What one pass found in one shard: `written` counts its new records but for those of expiry.

    `unapplied` counts keys whose newest change there was not applied, `unapplied_since` is when the oldest of these
    changes was made (epoch seconds). `at_end` tells that nothing more was to read, `in_time` that the pass stopped
    neither because its time was up nor because DynamoDB refused to be read. `keys` are those whose changes were found
    applied.
    """

    written: int = 0
    unapplied: int = 0
    unapplied_since: float | None = None
    at_end: bool = True
    in_time: bool = True
    keys: tuple[Item, ...] = ()


@dataclass(frozen=True)
class TailPass:
    """What one pass found in the whole stream, and the seconds that it took."""

    written: int
    unapplied: int
    unapplied_since: float | None
    at_end: bool
    in_time: bool
    seconds: float
    keys: tuple[Item, ...]

    @property
    def is_applied(self) -> bool:
        """Tell whether every change that can be read was applied."""
        return self.at_end and not self.unapplied


@dataclass(frozen=True)
class OwnWork:
    """What of a stream was the migration's own work, which nobody applies; times are in epoch seconds.

    All that was written before `until`. What was written from then until `perhaps_until` may have been the
    application's: there a change that was not applied is its own where both tables hold the same, so that applying it
    would change nothing; `agreeing` returns such keys by their canonical text.
    """

    until: float = 0.0
    perhaps_until: float = 0.0
    agreeing: Callable[[Mapping[str, Item]], set[str]] = lambda keys: set()


NO_OWN_WORK = OwnWork()


@dataclass(frozen=True)
class Standing:
    """Where a shard's reading stands: behind so many empty pages after the record of number `after` (None: any).

    `since` is when the iterator was returned (epoch seconds).
    """

    after: str | None
    iterator: str
    empty: int
    since: float


# Where shards stand, by (stream, shard): what an invocation may leave to the next one.
Standings = MutableMapping[tuple[str, str], Standing]


class StreamTail:
    """Reads one stream's shards on from where all before was found applied.

    `each` maps a function over shards (side by side in production); `clock` gives epoch seconds. `standings` may be
    lost at any time: reading then begins anew at what the control table knows.
    """

    def __init__(
        self,
        streams: Any,
        stream_arn: str,
        rows: Rows,
        watermarks: Watermarks,
        each: Mapper,
        clock: Callable[[], float],
        own: OwnWork = NO_OWN_WORK,
        standings: Standings | None = None,
    ) -> None:
        self._own = own
        self._standings: Standings = {} if standings is None else standings
        self._streams = streams
        self._stream_arn = stream_arn
        self._rows = rows
        self._watermarks = watermarks
        self._each = each
        self._clock = clock

    def read_on(self, seconds: float) -> TailPass:
        """Read every shard on for at most so many seconds; what was found applied is not read again."""
        began = self._clock()
        known = dict(self._rows.query(self._partition))
        left = [shard for shard in self._shards() if not known.get(shard, {}).get("ended")]
        until = began + seconds
        found = list(self._each(lambda shard: self._read(shard, known.get(shard, {}).get("number"), until), left))
        since = [shard.unapplied_since for shard in found if shard.unapplied_since is not None]
        # A key that was written to again and again is in several pages.
        keys = {canonical_key(key): key for shard in found for key in shard.keys}
        return TailPass(
            written=sum(shard.written for shard in found),
            unapplied=sum(shard.unapplied for shard in found),
            unapplied_since=min(since, default=None),
            at_end=all(shard.at_end for shard in found),
            in_time=all(shard.in_time for shard in found),
            seconds=self._clock() - began,
            keys=tuple(keys.values()),
        )

    def newest(self) -> list[Item]:
        """Return the newest key of each shard, as far as it was read."""
        rows = (row for _, row in self._rows.query(self._partition) if "item_key" in row)
        return [key_of_canonical(row["item_key"]) for row in sorted(rows, key=lambda row: mark(row["number"]))]

    @property
    def _partition(self) -> str:
        return f"tail#{self._stream_arn}"

    def _read(self, shard: str, after: str | None, until: float) -> ShardTail:
        """Read one shard's pages until its end, the first page with an unapplied change, or the time's end."""
        place = _Place(after)
        if self._clock() >= until:
            place.in_time = False
            return place.found()
        try:
            self._read_pages(shard, place, until)
        except ClientError as error:
            if code(error) not in _GONE | _THROTTLED:
                raise
            place.in_time = False
            place.standing = None
        self._keep(shard, place)
        return place.found()

    def _read_pages(self, shard: str, place: _Place, until: float) -> None:
        for records, standing in self._pages(shard, place):
            if not self._take(place, records):
                return
            place.standing, place.ended = standing, standing is None
            if records and not place.ended and self._clock() >= until:
                place.in_time = False
                return
        place.at_end = True

    def _take(self, place: _Place, records: Sequence[Mapping[str, Any]]) -> bool:
        """Move on by one page where all of it was applied, and tell whether it was."""
        theirs = [record for record in records if _created(record) >= self._own.until]
        place.written += sum(not is_expiry(record) for record in theirs)
        newest = {canonical_key(key): (key, record) for key, record in _keyed(theirs)}
        numbers = self._watermarks.numbers([key for key, _ in newest.values()])
        waits = {text: one for text, one in newest.items() if not is_applied(numbers.get(text), _number(one[1]))}
        own = self._own_among(waits)
        left = [record for text, (_, record) in waits.items() if text not in own]
        if left:
            place.unapplied = len(left)
            place.unapplied_since = min(map(_created, left))
        elif records:
            place.reached = max(map(_number, records), key=mark)
            place.keys += [key for key, _ in newest.values()]
        return not left

    def _own_among(self, waits: Mapping[str, tuple[Item, Mapping[str, Any]]]) -> set[str]:
        """Return which of the changes that were not applied are the migration's own all the same."""
        doubtful = {text: key for text, (key, record) in waits.items() if _created(record) < self._own.perhaps_until}
        return self._own.agreeing(doubtful) if doubtful else set()

    def _pages(self, shard: str, place: _Place) -> Iterator[tuple[Sequence[Mapping[str, Any]], Standing | None]]:
        """Yield pages of records, and where the shard's reading stands behind them: None where it has ended."""
        standing: Standing | None = self._begun(shard, place)
        pages = 0
        while standing is not None and (pages < LEAST_PAGES or standing.empty < EMPTY_PAGES):
            answer = self._streams.get_records(ShardIterator=standing.iterator)
            records, following = answer["Records"], answer.get("NextShardIterator")
            after, empty = (_number(records[-1]), 0) if records else (standing.after, standing.empty + 1)
            standing = None if following is None else Standing(after, following, empty, self._clock())
            pages = 0 if records else pages + 1
            yield records, standing

    def _begun(self, shard: str, place: _Place) -> Standing:
        """Return where the last pass stood, if it stood there and not too long ago, else the place that is known."""
        last, now = self._standings.get((self._stream_arn, shard)), self._clock()
        if last is not None and last.after == place.after and now - last.since < ITERATOR_SECONDS:
            return last
        return Standing(place.after, self._iterator(shard, place.after), 0, now)

    def _iterator(self, shard: str, after: str | None) -> str:
        request = {"StreamArn": self._stream_arn, "ShardId": shard}
        if after is not None:
            try:
                answer = self._streams.get_shard_iterator(
                    **request, ShardIteratorType="AFTER_SEQUENCE_NUMBER", SequenceNumber=after
                )
                return str(answer["ShardIterator"])
            except ClientError as error:
                # What was read last is older than a day by now, and so is all that was between.
                if code(error) != "TrimmedDataAccessException":
                    raise
        return str(self._streams.get_shard_iterator(**request, ShardIteratorType="TRIM_HORIZON")["ShardIterator"])

    def _keep(self, shard: str, place: _Place) -> None:
        if place.standing is None:
            self._standings.pop((self._stream_arn, shard), None)
        else:
            self._standings[self._stream_arn, shard] = place.standing
        if place.ended or place.reached != place.after:
            values: dict[str, Any] = {"ended": place.ended}
            if place.reached is not None:
                values["number"] = place.reached
            if place.keys:
                values["item_key"] = canonical_key(place.keys[-1])
            sets = ", ".join(f"#{name} = :{name}" for name in values)
            self._rows.update(self._partition, shard, f"SET {sets}", values)

    def _shards(self) -> Iterator[str]:
        more: dict[str, str] = {}
        while True:
            answer = self._streams.describe_stream(StreamArn=self._stream_arn, **more)["StreamDescription"]
            yield from (shard["ShardId"] for shard in answer["Shards"])
            if "LastEvaluatedShardId" not in answer:
                return
            more = {"ExclusiveStartShardId": answer["LastEvaluatedShardId"]}


@dataclass
class _Place:
    """How far a shard was read: from `after` to `reached`, two sequence numbers."""

    after: str | None
    reached: str | None = None
    written: int = 0
    unapplied: int = 0
    unapplied_since: float | None = None
    at_end: bool = False
    ended: bool = False
    in_time: bool = True
    standing: Standing | None = None
    keys: list[Item] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reached = self.after

    def found(self) -> ShardTail:
        keys = tuple(self.keys)
        return ShardTail(self.written, self.unapplied, self.unapplied_since, self.at_end, self.in_time, keys)


def _keyed(records: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Item, Mapping[str, Any]]]:
    """Yield (key, record); within a shard the records of a key come in the order of its changes."""
    return ((with_base64(record["dynamodb"]["Keys"]), record) for record in records)


def _number(record: Mapping[str, Any]) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def _created(record: Mapping[str, Any]) -> float:
    moment = record["dynamodb"].get("ApproximateCreationDateTime")
    return float(moment.timestamp()) if moment is not None else 0.0
