"""Generations over two tables in memory that are written to thousands of times a second, with a lag."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from ddb_migration.aws.verify_generations import Generations, KeyLooks, Settled
from ddb_migration.core.attribute_values import Item
from ddb_migration.core.item_key import canonical_key, watermark_id
from ddb_migration.core.verify_report import DIFFERENT, EXTRA, MISSING
from tests.fakes.clock import Clock

KEYS = 3000
WRITES_PER_SECOND = 3000
STREAM = "stream"
# Half of all writes are of one key in a hundred.
HOT_KEYS = 30
FLOOR = 60.0


SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 5))]


class World:
    """A source, its copy behind by a lag that varies, and their watermarks; time passes with the clock."""

    def __init__(self, seed: int, writes_per_second: int = WRITES_PER_SECOND) -> None:
        self.draw = random.Random(seed)
        self.clock = Clock()
        self.rate = writes_per_second
        self.source: dict[str, int] = {_name(number): 0 for number in range(KEYS)}
        self.destination = dict(self.source)
        self.numbers: dict[str, int] = {}
        self.on_their_way: deque[tuple[float, int, str, int | None]] = deque()
        self.written = 0
        self.still: set[str] = set()
        self.lost: set[str] = set()
        self._until = self.clock()

    def advance(self) -> None:
        """Write and apply what falls into the time that has passed."""
        while self._until < self.clock():
            self._until += 1 / self.rate
            self._write(self._until)
        while self.on_their_way and self.on_their_way[0][0] <= self.clock():
            _, number, key, value = self.on_their_way.popleft()
            self.numbers[key] = number
            _set(self.destination, key, value)

    def _write(self, now: float) -> None:
        hot = self.draw.random() < 0.5
        key = _name(self.draw.randrange(HOT_KEYS) if hot else self.draw.randrange(KEYS))
        if key in self.still:
            return
        self.written += 1
        value = None if self.draw.random() < 0.1 else self.written
        _set(self.source, key, value)
        if key not in self.lost:
            # In the order of the changes, each 0.5 to 3 s late.
            arrives = max(now + self.draw.uniform(0.5, 3.0), self.on_their_way[-1][0] if self.on_their_way else 0.0)
            self.on_their_way.append((arrives, self.written, key, value))

    def lag(self) -> float:
        self.advance()
        return 3.0

    def suspects(self) -> list[Item]:
        """All keys, as if none had agreed when they were scanned."""
        self.clock.sleep(5)
        self.advance()
        return [_key(_name(number)) for number in range(KEYS)]

    def settle(self) -> Settled:
        keys = [*self.suspects(), *(_key(name) for name in self.destination if name.startswith("extra"))]
        looks = KeyLooks(Sides(self), "control", STREAM, "e1")  # type: ignore[arg-type]  # as much of BothSides as is used
        return Generations(looks, self.lag, self.advance, FLOOR, self.clock, self.clock.sleep).settle(keys)


class Sides:
    """Both tables by key: reading the two takes a moment, in which writes go on."""

    most_keys = 100

    def __init__(self, world: World) -> None:
        self._world = world
        self._rows = {watermark_id(STREAM, _key(_name(number))): _name(number) for number in range(KEYS)}

    def pairs(self, keys: Mapping[str, Item]) -> Iterator[tuple[str, Any]]:
        sources = {text: _item(self._world.source, key) for text, key in keys.items()}
        self._world.clock.sleep(0.01)
        self._world.advance()
        for text, key in keys.items():
            yield text, (sources[text], _item(self._world.destination, key))

    def read(self, table: str, keys: Mapping[str, Item]) -> dict[str, Any]:
        found = {}
        for text, row in keys.items():
            number = self._world.numbers.get(self._rows.get(row["pk"]["S"], ""))
            if number is not None:
                found[text] = {**row, "number": {"S": f"{number:040d}"}}
        return found


def _name(number: int) -> str:
    return f"k{number}"


def _key(name: str) -> dict[str, dict[str, str]]:
    return {"pk": {"S": name}}


def _item(table: Mapping[str, int], key: Item) -> Item | None:
    name = key["pk"]["S"]
    return {**key, "v": {"N": str(table[name])}} if name in table else None


def _set(table: dict[str, int], key: str, value: int | None) -> None:
    if value is None:
        table.pop(key, None)
    else:
        table[key] = value


@pytest.mark.parametrize("seed", SEEDS)
def test_thousands_of_writes_a_second_make_no_difference(seed: int) -> None:
    world = World(seed)
    settled = world.settle()
    assert world.written > 20 * WRITES_PER_SECOND
    assert settled.generations[0].keys == KEYS
    assert settled.generations[1].keys > 100, "there were suspects"
    assert settled.differences == []
    assert settled.unsettled == 0


PLANTS: Mapping[str, tuple[str, Callable[[World], None]]] = {
    "k2900": (MISSING, lambda world: _set(world.destination, "k2900", None)),
    "k2901": (DIFFERENT, lambda world: _set(world.destination, "k2901", -1)),
    "extra1": (EXTRA, lambda world: _set(world.destination, "extra1", 1)),
}


@pytest.mark.parametrize("seed", SEEDS)
def test_what_does_differ_is_found_among_them(seed: int) -> None:
    world = World(seed)
    world.still = set(PLANTS)
    for _, plant in PLANTS.values():
        plant(world)
    found = {row.key["pk"]["S"]: row.kind for row in world.settle().differences}
    assert found == {name: kind for name, (kind, _) in PLANTS.items()}


def test_a_key_whose_changes_are_lost_is_never_taken_for_one_that_follows() -> None:
    """Its source goes on, and its destination stands still: neither a difference nor seen to be applied."""
    world = World(1, writes_per_second=300)
    world.lost = {_name(number) for number in range(5)}
    settled = world.settle()
    left = {canonical_key(key) for key in settled.in_motion}
    assert not left & {canonical_key(_key(name)) for name in world.lost}
    assert settled.unsettled + len(settled.differences) == len(world.lost)
