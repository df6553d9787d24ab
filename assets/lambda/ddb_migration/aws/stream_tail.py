"""The tail of a stream, read past Lambda: every change in it must have been applied, or something newer.

Capture tells of what it was given. What it was not given (a shard that Lambda holds back) only the stream itself
shows. How far each shard was found applied is kept in the control table, so that little is left when it is urgent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from ddb_migration.aws.errors import code
from ddb_migration.aws.rows import Rows
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core.attribute_values import Item, with_base64
from ddb_migration.core.item_key import canonical_key
from ddb_migration.core.stream_record import is_expiry
from ddb_migration.core.watermark import is_applied, mark

# An open shard never says that it ended; so many pages in a row without a record are taken for its end.
EMPTY_PAGES = 3
# DynamoDB Streams API: the shard's oldest records, or the shard, went after 24 hours; the iterator after 15 minutes.
_GONE = frozenset({"TrimmedDataAccessException", "ResourceNotFoundException", "ExpiredIteratorException"})
_THROTTLED = frozenset({"LimitExceededException", "ProvisionedThroughputExceededException", "ThrottlingException"})

Mapper = Callable[[Callable[[str], "ShardTail"], Iterable[str]], Iterable["ShardTail"]]


@dataclass(frozen=True)
class ShardTail:
    """What one pass found in one shard: `written` counts its new records but for those of expiry.

    `unapplied` counts keys whose newest change there was not applied; `at_end` tells that nothing more was to read.
    """

    written: int = 0
    unapplied: int = 0
    at_end: bool = True


@dataclass(frozen=True)
class TailPass:
    """What one pass found in the whole stream, and the seconds that it took."""

    written: int
    unapplied: int
    at_end: bool
    seconds: float

    @property
    def is_applied(self) -> bool:
        """Tell whether every change that can be read was applied."""
        return self.at_end and not self.unapplied


class StreamTail:
    """Reads one stream's shards on from where all before was found applied.

    `each` maps a function over shards (side by side in production); `clock` gives epoch seconds.
    """

    def __init__(
        self,
        streams: Any,
        stream_arn: str,
        rows: Rows,
        watermarks: Watermarks,
        each: Mapper,
        clock: Callable[[], float],
    ) -> None:
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
        return TailPass(
            written=sum(shard.written for shard in found),
            unapplied=sum(shard.unapplied for shard in found),
            at_end=all(shard.at_end for shard in found),
            seconds=self._clock() - began,
        )

    @property
    def _partition(self) -> str:
        return f"tail#{self._stream_arn}"

    def _read(self, shard: str, after: str | None, until: float) -> ShardTail:
        """Read one shard's pages until its end, the first page with an unapplied change, or the time's end."""
        written, reached = 0, after
        try:
            for records, is_last in self._pages(shard, after):
                written += sum(not is_expiry(record) for record in records)
                unapplied = self._unapplied(records)
                if unapplied:
                    self._keep(shard, after, reached)
                    return ShardTail(written, unapplied, at_end=False)
                reached = _last(records) or reached
                if is_last or (records and self._clock() >= until):
                    self._keep(shard, after, reached, ended=is_last)
                    return ShardTail(written, at_end=is_last)
        except ClientError as error:
            if code(error) not in _GONE | _THROTTLED:
                raise
            self._keep(shard, after, reached)
            return ShardTail(written, at_end=False)
        self._keep(shard, after, reached)
        return ShardTail(written)

    def _pages(self, shard: str, after: str | None) -> Iterator[tuple[Sequence[Mapping[str, Any]], bool]]:
        """Yield pages of records, and whether the shard has ended with that page."""
        iterator: str | None = self._iterator(shard, after)
        empty = 0
        while iterator is not None and empty < EMPTY_PAGES:
            answer = self._streams.get_records(ShardIterator=iterator)
            iterator = answer.get("NextShardIterator")
            empty = 0 if answer["Records"] else empty + 1
            yield answer["Records"], iterator is None

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

    def _unapplied(self, records: Sequence[Mapping[str, Any]]) -> int:
        newest: dict[str, tuple[Item, str]] = {}
        for record in records:
            key, number = with_base64(record["dynamodb"]["Keys"]), record["dynamodb"]["SequenceNumber"]
            # Within a shard the records of a key come in the order of its changes.
            newest[canonical_key(key)] = (key, number)
        numbers = self._watermarks.numbers([key for key, _ in newest.values()])
        return sum(not is_applied(numbers.get(text), number) for text, (_, number) in newest.items())

    def _keep(self, shard: str, before: str | None, reached: str | None, ended: bool = False) -> None:
        if ended or reached != before:
            sets = "SET #ended = :ended" + (", #number = :number" if reached is not None else "")
            values = {"ended": ended, **({"number": reached} if reached is not None else {})}
            self._rows.update(self._partition, shard, sets, values)

    def _shards(self) -> Iterator[str]:
        more: dict[str, str] = {}
        while True:
            answer = self._streams.describe_stream(StreamArn=self._stream_arn, **more)["StreamDescription"]
            yield from (shard["ShardId"] for shard in answer["Shards"])
            if "LastEvaluatedShardId" not in answer:
                return
            more = {"ExclusiveStartShardId": answer["LastEvaluatedShardId"]}


def _last(records: Sequence[Mapping[str, Any]]) -> str | None:
    return max((record["dynamodb"]["SequenceNumber"] for record in records), key=mark, default=None)
