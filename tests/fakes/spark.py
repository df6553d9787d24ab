"""As much of Spark's RDD as the jobs use, in this process; what travels is pickled, as Spark would."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Sequence
from types import SimpleNamespace
from typing import Any

Part = list[Any]


class FakeRdd:
    """Partitions that are computed at once; `shuffled_bytes` is what `partitionBy` has moved."""

    def __init__(self, spark: FakeSpark, parts: Sequence[Part]) -> None:
        self._spark = spark
        self._parts: list[Part] = [pickle.loads(pickle.dumps(part)) for part in parts]

    def mapPartitions(self, work: Callable[[Iterable[Any]], Iterable[Any]]) -> FakeRdd:  # noqa: N802
        return FakeRdd(self._spark, [list(work(iter(part))) for part in self._parts])

    def map(self, work: Callable[[Any], Any]) -> FakeRdd:
        return self.mapPartitions(lambda part: map(work, part))

    def flatMap(self, work: Callable[[Any], Iterable[Any]]) -> FakeRdd:  # noqa: N802
        return self.mapPartitions(lambda part: [found for each in part for found in work(each)])

    def partitionBy(self, count: int, part_of: Callable[[Any], int]) -> FakeRdd:  # noqa: N802
        parts: list[Part] = [[] for _ in range(count)]
        for key, value in self.collect():
            parts[part_of(key) % count].append((key, value))
            self._spark.shuffled_bytes += len(value)
        return FakeRdd(self._spark, parts)

    def values(self) -> FakeRdd:
        return self.map(lambda pair: pair[1])

    def collect(self) -> list[Any]:
        return [found for part in self._parts for found in part]

    def count(self) -> int:
        return len(self.collect())

    def sum(self) -> Any:
        return sum(self.collect())


class FakeSpark:
    """A context whose workers have not registered yet, as when a job begins."""

    master = "cluster"
    defaultParallelism = 2  # noqa: N815  Spark's own name

    def __init__(self) -> None:
        self.shuffled_bytes = 0

    def parallelize(self, values: Sequence[Any], parts: int) -> FakeRdd:
        return FakeRdd(self, [list(values[part::parts]) for part in range(parts)])

    def broadcast(self, value: Any) -> Any:
        return SimpleNamespace(value=value)
