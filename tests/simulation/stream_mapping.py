"""The simulated mapping from a stream to a function: a reader for each shard, parents before children."""

from __future__ import annotations

from typing import Any

from tests.simulation.faults import Faults
from tests.simulation.functions import Failure, Function
from tests.simulation.kernel import Kernel
from tests.simulation.mappings import Mapping
from tests.simulation.stream import Record, Shard, Stream


class ShardReader:
    """Reads one shard in order; `lost` counts the records that were trimmed before they were read."""

    def __init__(self, mapping: StreamMapping, shard: Shard, position: int) -> None:
        self.mapping = mapping
        self.shard = shard
        self.position = position
        self.busy = False
        self.failures = 0

    @property
    def finished(self) -> bool:
        return self.shard.closed and self.position >= self.shard.end

    def poke(self) -> None:
        """Read what there is, two seconds from now, unless a batch is being processed."""
        if not self.busy and self.mapping.active and self.position < self.shard.end:
            self.busy = True
            settings = self.mapping.settings
            is_full = self.shard.end - self.position >= settings["BatchSize"]
            self.mapping.kernel.after(0.0 if is_full else settings["MaximumBatchingWindowInSeconds"], self._read)

    def _read(self) -> None:
        mapping = self.mapping
        self.shard.trim(mapping.kernel.now)
        if mapping.kernel.now < mapping.held.get(self.shard, 0.0):
            mapping.kernel.at(mapping.held[self.shard], self._read)
            return
        if self.position < self.shard.base:
            mapping.lost.append(self.shard.trimmed_until)
            self.position = self.shard.base
        batch = self.shard.slice(self.position, self.position + mapping.batch())
        if not batch or not mapping.active:
            # All that was left of a shard may have been trimmed: then its children are next.
            mapping.go_on(self)
            return
        mapping.invoke(batch, lambda result, failure: self._processed(batch, result, failure))

    def _processed(self, batch: list[Record], result: Any, failure: Failure | None) -> None:
        done = len(batch) if failure is None else 0
        failed = result["batchItemFailures"] if failure is None else []
        if failed:
            numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
            done = min(numbers.index(entry["itemIdentifier"]) for entry in failed)
        self.position += done
        self.failures = 0 if done == len(batch) else self.failures + 1
        self.mapping.progressed(self, batch[:done], bool(self.failures), batch)

    def retry_seconds(self) -> float:
        """Return how long Lambda waits before it tries the batch again."""
        return min(300.0, 0.5 * 2.0 ** min(self.failures, 10))


class StreamMapping(Mapping):
    """The mapping; its position is kept while it is disabled and lost when it is deleted.

    `lost` holds of when the newest records are that were trimmed unread.
    """

    def __init__(
        self,
        kernel: Kernel,
        faults: Faults,
        uuid: str,
        function: Function,
        stream: Stream,
        settings: dict[str, Any],
    ) -> None:
        super().__init__(kernel, uuid, function, stream.arn, settings)
        self.lost: list[float] = []
        self.held: dict[Shard, float] = {}
        self._faults = faults
        self._draws = faults.draws("stream-mapping")
        self._readers: dict[Shard, ShardReader] = {}
        self._stream = stream
        self._begun = False
        stream.grown.append(self._grown)

    def enabled(self) -> None:
        if not self._begun and self.state == "Creating":
            self._begun = True
            latest = self.settings["StartingPosition"] == "LATEST"
            for shard in self._stream.shards:
                shard.trim(self.kernel.now)
                self._readers[shard] = ShardReader(self, shard, shard.end if latest else shard.base)
        elif self.settings["StartingPosition"] == "LATEST" and self._draws.random() < 0.5:
            # "could miss events during creation or updates": AWS, with-ddb.
            for reader in self._readers.values():
                reader.position = reader.shard.end if not reader.busy else reader.position
        super().enabled()

    def poke(self) -> None:
        if self.active:
            for reader in list(self._readers.values()):
                if self._may_read(reader):
                    reader.poke()

    def hold_back(self, seconds: float) -> None:
        """Read one shard no further for a while."""
        if self._stream.shards:
            self.held[self._draws.choice(self._stream.shards[-2:])] = self.kernel.now + seconds

    def _grown(self, shard: Shard) -> None:
        if self._begun:
            reader = self._readers.get(shard)
            if reader is None:
                reader = self._readers[shard] = ShardReader(self, shard, 0)
            if self.active and self._may_read(reader):
                reader.poke()

    def _may_read(self, reader: ShardReader) -> bool:
        """A shard is read when its parent has been read to its end."""
        parent = reader.shard.parent
        return parent is None or parent not in self._readers or self._readers[parent].finished

    def batch(self) -> int:
        """Return how many records Lambda takes this time; it promises no more than a limit."""
        most = int(self.settings["BatchSize"])
        if not self._faults.on:
            return most
        return self._draws.choice((2, 5, 20, most, most, most))

    def invoke(self, batch: list[Record], ended: Any) -> None:
        self.function.invoke({"Records": batch}, ended)
        if self._faults.at("duplicate-invocation", 0.03):
            self.function.invoke({"Records": batch}, lambda result, failure: None)

    def progressed(self, reader: ShardReader, done: list[Record], failed: bool, batch: list[Record]) -> None:
        if done and self._faults.at("old-redelivery", 0.05):
            self._redeliver(done)
        wait = reader.retry_seconds() if failed else 0.0
        if failed:
            wait *= self._draws.uniform(0.5, 1.5)
            if self._gives_up(reader):
                reader.position += len(batch) - len(done)
                reader.failures = 0
        self.kernel.after(wait, lambda: self.go_on(reader))

    def _gives_up(self, reader: ShardReader) -> bool:
        most = int(self.settings["MaximumRetryAttempts"])
        return most >= 0 and reader.failures > most

    def go_on(self, reader: ShardReader) -> None:
        """Read on, or the children of a shard that was read to its end."""
        reader.busy = False
        if reader.finished:
            self.poke()
        else:
            reader.poke()

    def _redeliver(self, done: list[Record]) -> None:
        """Process some records once more, later and out of order: Lambda promises order for the first time only."""
        draws = self._faults.draws("old-redelivery")
        first = draws.randrange(len(done))
        again = done[first : first + draws.choice((1, 3, 10, 1000))]
        delay = draws.choice((1.0, 30.0, 280.0, 320.0, 3600.0)) * (0.5 + draws.random())
        self.kernel.after(delay, lambda: self.function.invoke({"Records": again}, lambda result, failure: None))

    @property
    def idle(self) -> bool:
        """Tell whether everything was read."""
        return all(not reader.busy and reader.position >= reader.shard.end for reader in self._readers.values())
