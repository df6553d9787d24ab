"""One run: a scenario played through, and what the oracle found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from ddb_migration.core.message import decode
from tests.simulation import guards
from tests.simulation.application import others_policy
from tests.simulation.failures import Stuck
from tests.simulation.faults import Faults
from tests.simulation.kernel import EndlessRun
from tests.simulation.operator import Operator
from tests.simulation.oracles import Oracle
from tests.simulation.product import Product, bound
from tests.simulation.scenario import Scenario, drawn
from tests.simulation.tables import Item, Key
from tests.simulation.world import World
from tests.simulation.writers import Writers

GIBIBYTE = 1 << 30
# How old an item may be that a read shows which is not consistent. DynamoDB names no bound (Developer Guide, "Read
# consistency"): a second as a rule, so that half a minute is what a pause of five minutes has to cover well.
LAG_SECONDS = 30.0


@dataclass
class Outcome:
    """What came of a run: `findings` is empty when all is well."""

    seed: str
    findings: list[str] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    struck: list[str] = field(default_factory=list)
    keys: list[tuple[object, ...]] = field(default_factory=list)
    as_far_as: str = ""
    events: int = 0
    days: float = 0.0


def played(
    scenario: Scenario, without: tuple[str, ...] = (), told: Callable[[float, str, str], None] | None = None
) -> Outcome:
    """Play a scenario through, without some guards; `told` gets (moment, kind, text) of what happens."""
    faults = Faults(scenario.seed, scenario.on, scenario.left_out)
    world = World(faults, rollback_window=scenario.rollback_window)
    if told is not None:
        _listen(world, told)
    writers = Writers(world, "straggler" in scenario.nature)
    _prepare(world, scenario, writers)
    product = Product(world, GIBIBYTE, scenario.workers, scenario.write_units)
    product.look_seconds, product.segments = scenario.look_seconds, scenario.segments
    outcome = Outcome(scenario.seed, as_far_as=scenario.goes_as_far_as)
    with bound(product), guards.removed(product, without):
        _play(product, scenario, writers, outcome)
    outcome.refusals["total"] = sum(outcome.refusals.values())
    outcome.faults, outcome.struck = faults.counts, faults.struck
    outcome.events, outcome.days = world.kernel.events, (world.kernel.now - 1_800_000_000.0) / 86400
    return outcome


def _play(product: Product, scenario: Scenario, writers: Writers, outcome: Outcome) -> None:
    operator = Operator(product, scenario, writers)
    oracle = Oracle(operator)
    kernel = product.world.kernel

    def whole() -> None:
        operator.manage()
        operator.let_go()
        operator.manage() if operator._disturbed and not operator.is_ended else None
        oracle.at_the_end()

    task = kernel.spawn(whole)
    try:
        kernel.run(task)
        if isinstance(task.error, Stuck):
            oracle.findings.append(f"stuck: {task.error}")
        elif task.error is not None:
            raise task.error
    except EndlessRun as endless:
        oracle.findings.append(f"endless: {endless}")
    finally:
        kernel.end()
    outcome.findings, outcome.keys = oracle.findings, oracle.keys
    outcome.refusals = operator.refusals


def _prepare(world: World, scenario: Scenario, writers: Writers) -> None:
    """Set the world up as the scenario's nature says."""
    writers.load(scenario.loaded)
    nature, counts = scenario.nature, world.faults.counts
    source, database = world.source, world.database
    # The fewest that bulk_plan allows, and no more for so small a table.
    tasks = 4
    database.page_items = scenario.page_items
    seconds = scenario.scan_seconds / 4 if scenario.look_seconds == 1.0 else 3.0
    database.page_units = seconds * 3000.0 / tasks
    if "export" in nature:
        source.told_bytes = 2 * GIBIBYTE
    if "stale-reads" in nature:
        source.lag_seconds = LAG_SECONDS
    if "short-look-ahead" in nature:
        world.queue.look_ahead = world.draws("short-look-ahead").choice((2, 8, 20))
    if "change-expired" in nature:
        world.queue.retention = 86400.0
    if "stream-off" not in nature:
        source.open_stream("KEYS_ONLY" if "keys-only" in nature else "NEW_IMAGE")
    writers.load(scenario.young)
    _prepare_last(world, scenario)
    for kind in ("export", "stale-reads", "short-look-ahead", "stream-off", "keys-only"):
        counts[kind] += kind in nature


def _prepare_last(world: World, scenario: Scenario) -> None:
    if scenario.goes_on:
        if world.draws("others-policy").random() < 0.5:
            world.policy.change(others_policy(1))
        world.database.index_lag = 2.0
        # So the index of changed keys has few shards, and a round few calls: the tables are as small.
        world.most_apply = 10
    if scenario.rollback_window is not None:
        _prepare_way_back(world, scenario)
    for kind in ("late-fence", "unfenced"):
        world.faults.counts[kind] += scenario.goes_on and kind in scenario.nature


def _prepare_way_back(world: World, scenario: Scenario) -> None:
    is_keys_only = "destination-keys-only" in scenario.nature
    world.streamed_destination.open_stream("KEYS_ONLY" if is_keys_only else "NEW_IMAGE")
    world.faults.counts["destination-keys-only"] += is_keys_only
    if world.draws("others-policy").random() < 0.5:
        world.destination_policy.change(others_policy(1))


def _listen(world: World, told: Callable[[float, str, str], None]) -> None:
    clock = world.kernel.clock
    world.told = lambda kind, text: told(clock(), kind, text)
    world.faults.told = world.told
    for kind, side in (("source", world.source), ("destination", world.streamed_destination)):
        side.changed = _change_teller(world, kind)
    for queue in world.queues:
        queue.taken = lambda body, is_new: world.told("queue", _message(body) + ("" if is_new else ": seen, dropped"))


def _change_teller(world: World, kind: str) -> Callable[[Key, Item | None, str | None], None]:
    def tell(key: Key, item: Item | None, number: str | None) -> None:
        world.told(kind, f"{key} = {_value(item)} {'as ' + number if number else 'not captured'}")

    return tell


def _message(body: str) -> str:
    told = decode(body)
    key = tuple(next(iter(value.values())) for value in told.key.values())
    return f"{key} {told.kind} {told.number or 'of no change'} of {told.epoch}"


def _value(item: dict[str, dict[str, str]] | None) -> str:
    return "deleted" if item is None else item["value"]["S"]


def run(seed: str, on: frozenset[str], without: tuple[str, ...] = ()) -> Outcome:
    """Draw and play the scenario of a seed."""
    return played(drawn(seed, on), without)
