"""The operator of a simulated migration, and all that happens to it: starts, stops, gives up, begins anew."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from clean_up import handler as clean_up_handler
from clean_up.handler import StillEnding
from ddb_migration import names
from ddb_migration.aws.control_table import STARTED_AGAIN
from ddb_migration.aws.environment import Environment
from ddb_migration.aws.rows import _plain
from ddb_migration.core.control_record import ControlRecord, MigrationStopped
from ddb_migration.core.direction import FORWARD, REVERSE, Direction
from ddb_migration.core.message import encode_reread
from ddb_migration.core.reverse_record import reverse_epoch, reverse_record
from tests.simulation.application import others_policy
from tests.simulation.cutting_over import CuttingOver
from tests.simulation.executions import Execution
from tests.simulation.failures import Stuck, refused
from tests.simulation.faults import BACK_PREMISES, FOCUS, ROLL_BACKS
from tests.simulation.mappings import Mapping
from tests.simulation.product import Product
from tests.simulation.queue import Message, Queue
from tests.simulation.scenario import STATES, Burst, Incident, Moment, Scenario
from tests.simulation.stream_mapping import StreamMapping
from tests.simulation.table_policy import SimulatedPolicy
from tests.simulation.writers import Writers

MOST_STARTS = 40
DAY = 86400.0
# Who has not looked for so long cannot know whether capture worked: continuity.CAPTURE_LEG.
UNSEEN_SECONDS = 22 * 3600.0
# What may make a change expire before it is taken.
GAPS = ("stream-gap", "capture-gap", "capture-failing", "change-expired")
# What strikes from the cut-over on.
BACK_KINDS = frozenset({*ROLL_BACKS, *BACK_PREMISES})


class Operator:
    """Drives one migration; `wrong` collects what no migration may do."""

    def __init__(self, product: Product, scenario: Scenario, writers: Writers) -> None:
        self.product = product
        self.world = product.world
        self.kernel = product.world.kernel
        self.scenario = scenario
        self.writers = writers
        self.refusals: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.begun_anew = 0
        self._emptied_at = 0.0
        self._told: Counter[str] = Counter()
        self._waiting: defaultdict[tuple[str, int], list[tuple[float, Callable[[], None]]]] = defaultdict(list)
        self._busy = 0
        self._disturbed = False
        self._looked = False
        self._redriven = 0
        self._paused = 0.0
        self._seen: tuple[Any, ControlRecord] = {}, ControlRecord()
        self.world.machine.entered = lambda execution, state: self.tell(state, execution.arn)
        self.world.database.paged = lambda: self.tell("page")
        self.turned_back = 0
        self.world.machine.goes_on = scenario.goes_on
        self.world.announced = self._announced
        self.is_deleted = False
        self._back: tuple[Any, ControlRecord] = {}, ControlRecord()
        self._cutting = CuttingOver(self)
        self._plan()

    def _announced(self, detail: dict[str, Any]) -> None:
        is_first = not self.has_cut_over
        self.writers.application.follow(detail)
        if is_first and self.has_cut_over and self.world.rollback_window is not None:
            # What has struck the way there leaves something for the way back.
            self.world.faults.again()
        if detail["phase"] not in STATES:
            self.tell(detail["phase"])

    @property
    def has_cut_over(self) -> bool:
        """Tell whether the application has been switched; then nothing is begun anew any more."""
        return self.writers.application.has_switched

    @property
    def is_disturbed(self) -> bool:
        """Tell whether an incident is under way, or writes are."""
        return self._busy > 0

    # Moments

    def _plan(self) -> None:
        for burst in self.scenario.bursts:
            self._when(burst.moment, partial(self._write, burst))
        for incident in self.scenario.incidents:
            self._when(incident.moment, partial(self._happen, incident))

    def _when(self, moment: Moment, act: Callable[[], None]) -> None:
        self._waiting[moment.name, moment.occurrence].append((moment.seconds, act))

    def tell(self, name: str, text: str = "") -> None:
        """Say that something happened; what waited for it begins."""
        if name != "page":
            self.world.told(name, text)
        self._told[name] += 1
        for seconds, act in self._waiting.pop((name, self._told[name]), []):
            self.kernel.after(seconds, act)

    def _write(self, burst: Burst) -> None:
        self._spawn(lambda: self.writers.run(burst))

    def _spawn(self, body: Callable[[], None]) -> None:
        self._busy += 1
        self.kernel.spawn(lambda: self._do(body))

    def _do(self, body: Callable[[], None]) -> None:
        try:
            body()
        finally:
            self._busy -= 1

    # Incidents

    def _happen(self, incident: Incident) -> None:
        body = getattr(self, "_" + incident.kind.replace("-", "_"), None)
        ended = self.has_cut_over and incident.kind in ("aborted", "stream-replaced")
        ended |= self.is_deleted or (not self.has_cut_over and incident.kind in BACK_KINDS)
        if body is None or self.world.faults.calm or ended:
            return
        if self.world.faults.strike(incident.kind, f"{incident.seconds:.0f} s"):
            self._spawn(lambda: body(incident.seconds))
            self.tell("incident", incident.kind)

    def _shard_split(self, seconds: float) -> None:
        if self.world.source.stream is not None and not self.world.source.stream.ended:
            self.world.source.stream.split()

    def _capture_paused(self, seconds: float) -> None:
        self._paused += min(seconds, 0.8 * DAY)
        self._pause("stream-processor", min(seconds, 0.8 * DAY))

    def _apply_paused(self, seconds: float) -> None:
        self._pause("write-cdc", seconds)

    def _stream_gap(self, seconds: float) -> None:
        """Nobody looks for more than a day: the execution has ended, and capture stands still."""
        self._execution_stopped(seconds)
        self._pause("stream-processor", DAY + 3600 + seconds, go_on=False)
        self._execution_stopped(seconds)
        self._disturbed = True

    def _policy_deployed(self, seconds: float) -> None:
        self._deploy(self.world.policy)

    def _shard_held_back(self, seconds: float) -> None:
        self._hold_back("stream-processor", seconds)

    def _hold_back(self, function: str, seconds: float) -> None:
        for mapping in self.world.mappings.of(self.world.functions[function].arn, None):
            if isinstance(mapping, StreamMapping):
                mapping.hold_back(min(seconds, 900.0))

    def _redrive_after(self, seconds: float) -> None:
        self.kernel.wait(lambda: self.has_cut_over, 3 * DAY, 60.0)
        self._redrive_old(self.world.queue, "write-cdc")

    def _redrive_old(self, queue: Queue, function: str) -> None:
        """Somebody sends old messages once more, and switches apply on."""
        for group, body in queue.first.items():
            self._redriven += 1
            queue.send(group, f"after-{self._redriven}", body)
        for mapping in self.world.mappings.of(self.world.functions[function].arn, None):
            if mapping.state == "Disabled":
                self._switch(mapping, True)

    # On the way back

    def _destination_policy_deployed(self, seconds: float) -> None:
        self._deploy(self.world.destination_policy)

    def _destination_shard_split(self, seconds: float) -> None:
        stream = self.world.streamed_destination.stream
        if stream is not None and not stream.ended:
            stream.split()

    def _destination_shard_held_back(self, seconds: float) -> None:
        self._hold_back("reverse-stream-processor", seconds)

    def _reverse_capture_paused(self, seconds: float) -> None:
        self._pause("reverse-stream-processor", min(seconds, 0.8 * DAY))

    def _reverse_apply_paused(self, seconds: float) -> None:
        self._pause("reverse-write-cdc", seconds)

    def _reverse_capture_gap(self, seconds: float) -> None:
        self._pause("reverse-stream-processor", DAY + 3600 + min(seconds, 20_000.0))

    def _destination_stream_replaced(self, seconds: float) -> None:
        if self.world.streamed_destination.stream is not None and not self.writers.application.is_back:
            self.world.streamed_destination.open_stream("NEW_IMAGE")

    def _reverse_few_receives(self, seconds: float) -> None:
        self.world.reverse_queue.most_receives = 2 + int(seconds) % 3
        for _ in range(3):
            self.kernel.sleep(min(seconds, 900.0))
            self.redrive()

    def _reverse_redrive_after(self, seconds: float) -> None:
        self.kernel.wait(lambda: self.writers.application.is_back, 3 * DAY, 60.0)
        self._redrive_old(self.world.reverse_queue, "reverse-write-cdc")

    def _source_storm(self, seconds: float) -> None:
        self.world.database.stormy = self.world.source.table.arn
        self._destination_storm(seconds)

    def _stack_deleted(self, seconds: float) -> None:
        """Delete the stack, as often as CloudFormation has to be asked."""
        self.is_deleted = True
        context = SimpleNamespace(get_remaining_time_in_millis=lambda: 840_000)
        event = {"ResourceProperties": {"KeepBucket": "true"}}
        for _ in range(100):
            failure = self.tried(lambda: clean_up_handler._delete(event, context))
            if failure is None:
                return self._switch_by_hand()
            self.world.told("deletion-failed", str(failure))
            self.kernel.sleep(30.0)
        raise Stuck("a stack cannot be deleted")

    def _switch_by_hand(self) -> None:
        """Tell the application what nobody tells it any more: the roll back went through before the end."""
        if self.seen().is_rolled_back:
            self.writers.application.follow({"phase": names.ROLLED_BACK_PHASE})

    def _deploy(self, policy: SimulatedPolicy) -> None:
        while policy.is_blocked():
            self.kernel.sleep(1.0)
        policy.change(others_policy(2))

    def _capture_gap(self, seconds: float) -> None:
        """Somebody switches capture off, and on again, while the migration goes on."""
        self._pause("stream-processor", DAY + 3600 + seconds)
        self._disturbed = True

    def _capture_failing(self, seconds: float) -> None:
        self.world.queue_client.storm_until = self.kernel.now + DAY + 3600 + seconds
        self.world.queue_client.storm_strength = 1.0
        self.kernel.sleep(DAY + 3600 + seconds)
        self._disturbed = True

    def _change_expired(self, seconds: float) -> None:
        self._pause("write-cdc", self.world.queue.retention + 3600 + seconds)
        self._disturbed = True

    def _pause(self, function: str, seconds: float, go_on: bool = True) -> None:
        service = self.world.mappings
        found = list(service.of(self.world.functions[function].arn, None))
        if found and self._switch(found[0], False):
            self.kernel.sleep(seconds)
            if go_on:
                self._switch(found[0], True)

    def enable_capture(self) -> None:
        """Enable what somebody has disabled and left so: docs/alarms.md asks for it."""
        for mapping in self.world.mappings.of(self.world.functions["stream-processor"].arn, None):
            if mapping.state == "Disabled":
                self._switch(mapping, True)

    def _switch(self, mapping: Mapping, enabled: bool) -> bool:
        settled = self.kernel.wait(lambda: mapping.state in ("Enabled", "Disabled"), 1000.0)
        if not settled or mapping.uuid not in self.world.mappings.mappings:
            return False
        self.world.mappings.switch(mapping.uuid, enabled, {})
        return True

    def _execution_stopped(self, seconds: float) -> None:
        for execution in self.world.machine.executions.values():
            execution.stop(self.world.draws("stop"))

    _completion_stopped = _execution_stopped

    def _second_execution(self, seconds: float) -> None:
        self.world.machine.start()

    def _aborted(self, seconds: float) -> None:
        self._abort()
        nature = self.scenario.nature
        if "long-gap" in nature and self.world.faults.strike("long-gap"):
            self.kernel.sleep(DAY * 1.2 + seconds)
        else:
            self.kernel.sleep(seconds)
        if "kept-destination" in nature and self.world.faults.strike("kept-destination"):
            return
        self._empty()

    def _destination_storm(self, seconds: float) -> None:
        self.world.database.storm_until = self.kernel.now + min(seconds, 2000.0)
        self.world.database.storm_strength = self.world.draws("storm").choice((0.8, 1.0, 1.0))

    def _queue_storm(self, seconds: float) -> None:
        client = self.world.queue_client
        client.storm_until = max(client.storm_until, self.kernel.now + min(seconds, 2000.0))

    def _stream_replaced(self, seconds: float) -> None:
        if self.world.source.stream is not None:
            self.world.source.open_stream(self.world.source.stream.view)

    def _few_receives(self, seconds: float) -> None:
        self.world.queue.most_receives = 2 + int(seconds) % 3
        for _ in range(3):
            self.kernel.sleep(seconds)
            self.redrive()

    # Giving up and beginning anew

    def _abort(self) -> None:
        """Run `ddb-migration abort` to its end."""
        self._disturbed = True
        self.tell("abort")
        for _ in range(400):
            try:
                answer: Any = clean_up_handler.handler({"action": "abort"}, None)
                if answer["refused"]:
                    self.world.told("abort-refused", answer["refused"])
                    return self._judge_refusal(answer["refused"])
                if answer["done"]:
                    self.begun_anew += 1
                    return None
            except MigrationStopped as stopped:
                self.wrong.append(f"abort is refused: {stopped}")
                return None
            except (BotoCoreError, ClientError) as error:
                self.world.told("abort-failed", str(error))
            self.kernel.sleep(15.0)
        raise Stuck("an abort has not ended after 400 passes")

    def _judge_refusal(self, why: str) -> None:
        """An abort may be refused from the cut-over's beginning on, and where its epoch has ended already."""
        is_over = why == STARTED_AGAIN or "is aborting" in why
        if not is_over and ("cutting over" not in why or not self.scenario.goes_on):
            self.wrong.append(f"abort is refused: {why}")

    def begin_anew(self) -> None:
        """Give up, and empty the destination."""
        self._abort()
        self._empty()

    def _empty(self) -> None:
        if self.has_cut_over:
            return
        record = self.world.control.items.get(("migration", "record"))
        if record is not None and record["status"]["S"] == "open":
            # Somebody has begun anew meanwhile.
            return
        self.world.told("operator", "empties the destination")
        self._emptied_at = self.kernel.now if self.world.destination.items else self._emptied_at
        for key in list(self.world.destination.items):
            self.world.destination.write(key, None)

    def manage(self) -> None:
        """Bring the migration to its end: all drained, nothing left to happen."""
        for _ in range(self._most_starts):
            if self.is_ended:
                return
            execution = self._running() or self.world.machine.start()
            self._disturbed = False
            if not self._followed(execution):
                raise Stuck(f"an execution stands in {execution.state} for 30 days")
            if execution.status == "SUCCEEDED":
                self.tell("drained")
                self.kernel.sleep(120.0)
            self._wait_for_incidents()
            if execution.status == "SUCCEEDED" and not (self._disturbed or self._running() or self._looks_again()):
                return
            if execution.status == "FAILED":
                self._judge(execution)
        raise Stuck(f"{self._most_starts} executions have not ended in a drain: {dict(self.refusals)}")

    @property
    def _most_starts(self) -> int:
        """Return after how many executions a run counts as stuck: a focused one has more faults to end them."""
        return MOST_STARTS * (FOCUS if self.scenario.focused else 1)

    @property
    def is_ended(self) -> bool:
        """Tell whether nothing is left to be done: the migration is completed, or went with its stack."""
        record = self.world.control.items.get(("migration", "record"))
        if record is None:
            return False
        return "completed_at" in record or (self.is_deleted and record["status"]["S"] == "closed")

    def _followed(self, execution: Execution) -> bool:
        if self.scenario.goes_on:
            return self._cutting.follow(execution)
        return self.kernel.wait(lambda: execution.status != "RUNNING", 30 * DAY, 20.0)

    def _looks_again(self) -> bool:
        """Start once more before cutting over, where the stream is no longer the one that was captured."""
        again, self._looked = self._replaced and not self._looked, True
        return again

    def _running(self) -> Execution | None:
        running = [one for one in self.world.machine.executions.values() if one.status == "RUNNING"]
        return running[0] if running else None

    def _wait_for_incidents(self) -> None:
        # Behind a fence, and where they were stopped, the writers wait for whoever goes on with the cut-over.
        if not self.kernel.wait(lambda: not self._busy or self._are_held_up(), 10 * DAY, 30.0):
            raise Stuck("an incident has not ended within ten days")

    def _are_held_up(self) -> bool:
        fenced = any(policy.text_denies for policy in self.world.policies.values())
        return fenced or self.writers.application.is_stopped

    # Refusals

    def _judge(self, execution: Execution) -> None:
        """Count a refusal, hold it wrong where its premise holds, and do what it asks for."""
        failure = execution.failure
        if failure is None:
            return
        codes = re.findall(r"^\s*\d+\. \[([a-z-]+)\]", failure.text, re.M) or [failure.name]
        self.world.told("refused", f"{execution.state}: {failure}")
        for code in codes:
            self.refusals[code] += 1
            if not self._has_cause(code, execution):
                self.wrong.append(f"refused without a cause: {failure}")
        self._follow(codes)

    def _has_cause(self, code: str, execution: Execution) -> bool:
        causes: dict[str, Callable[[], bool]] = {
            # Whoever has emptied it since took the cause away.
            "destination-not-empty": lambda: bool(self.world.destination.items) or self._emptied_at >= execution.began,
            "stream-gap": lambda: (
                any(self.world.faults.counts[kind] for kind in GAPS) or (self.was_unseen and not self._is_captured)
            ),
            "stream-replaced": lambda: self._replaced,
            "StreamReplaced": lambda: self._replaced,
            "already-running": lambda: bool(self.world.faults.counts["second-execution"]),
            "MigrationStopped": lambda: (
                self._disturbed
                or self.is_deleted
                or self.is_ended
                or bool(self.world.faults.counts["second-execution"])
            ),
            "destination-locked": lambda: False,
            "BulkLoadIncomplete": lambda: False,
            "ForeignMapping": lambda: False,
            "source-stream-off": lambda: False,
            "key-schema": lambda: False,
        }
        return causes.get(code, lambda: True)()

    @property
    def _is_captured(self) -> bool:
        """Tell whether there is a mapping now by which changes are captured: one that is none may have stood still."""
        mappings = self.world.mappings.of(self.world.functions["stream-processor"].arn, None)
        return any(mapping.state == "Enabled" for mapping in mappings)

    @property
    def was_unseen(self) -> bool:
        """Tell whether for a day nobody may have seen capture work: no execution was there to look, or it was off."""
        executions = sorted(self.world.machine.executions.values(), key=lambda one: one.began)
        pairs = zip(executions, executions[1:], strict=False)
        unseen = (after.began - before.ended_at for before, after in pairs)
        return any(seconds + self._paused > UNSEEN_SECONDS for seconds in unseen)

    def _follow(self, codes: list[str]) -> None:
        if "destination-not-empty" in codes:
            self._empty()
        elif {"stream-gap", "stream-replaced", "StreamReplaced"} & set(codes):
            self._abort()
            self._empty()
        self.kernel.sleep(self.world.draws("operator").choice((20.0, 300.0, 3000.0)))

    # Dead letters and parked keys

    @property
    def _replaced(self) -> bool:
        """Tell whether the source's stream is another than the one that the epoch captures."""
        record, stream = self.world.control.items.get(("migration", "record")), self.world.source.stream
        return record is not None and (stream is None or record["stream_arn"]["S"] != stream.arn)

    def redrive(self) -> None:
        """Redrive dead letters: by a raw move to the tail, or by `ddb-migration reread --dead-letters`."""
        paths = [(self.world.queue, self.product.environment)]
        if self.world.rollback_window is not None:
            paths.append((self.world.reverse_queue, self.product.way_back))
        for queue, path in paths:
            if queue.dead_letters is not None and queue.dead_letters.messages:
                self._redrive(queue, path)

    def _redrive(self, queue: Queue, path: Environment) -> None:
        if self.world.draws("redrive").random() < 0.5:
            self._redrive_raw(queue)
            return
        record = self.tried(self.product.control.read)
        if isinstance(record, ControlRecord) and record.is_open:
            told = self.tried(lambda: self.product.redrive(path).run(self.kernel.now + 20.0))
            self.world.told("redrive", str(told))

    def tried(self, act: Callable[[], Any]) -> Any:
        """Make one of the operator's calls; one that fails is made again later."""
        try:
            return act()
        except (BotoCoreError, ClientError, StillEnding) as error:
            return error

    def _redrive_raw(self, queue: Queue) -> None:
        letters: dict[str, Message] = queue.dead_letters.messages if queue.dead_letters is not None else {}
        for letter in list(letters.values()):
            del letters[letter.id]
            self._redriven += 1
            self.world.told("redrive", f"raw {letter.body[:120]}")
            queue.send(letter.group, f"redriven-{self._redriven}", letter.body)

    def reread(self, group: str, key: Any, direction: Direction = FORWARD) -> None:
        """Ask for one key to be read again, through its own group."""
        self._redriven += 1
        epoch, queue = str(self.record()["epoch"]["S"]), self.world.queue
        if direction is REVERSE:
            epoch, queue = reverse_epoch(epoch), self.world.reverse_queue
        self.world.told("reread", json.dumps(key))
        queue.send(group, f"reread-{self._redriven}", encode_reread(epoch, key))

    def seen(self) -> ControlRecord:
        """Return the control record as it stands; whoever waits for something makes no calls that could fail."""
        item = self.world.control.items.get(("migration", "record"), {})
        if item is not self._seen[0]:
            self._seen = item, ControlRecord.of(_plain(item))
        return self._seen[1]

    def seen_back(self) -> ControlRecord:
        """Return the reverse path's record as it stands."""
        item = self.world.control.items.get(("migration", "record"), {})
        if item is not self._back[0]:
            self._back = item, reverse_record(_plain(item))
        return self._back[1]

    def record(self) -> Any:
        """Return the item of the control record."""
        item = self.world.control.items.get(("migration", "record"))
        if item is None:
            raise refused("ResourceNotFoundException", "no control record", "GetItem")
        return item

    def let_go(self) -> None:
        """Let the writes that still waited for a moment come now, and forget what else was to happen."""
        waiting = list(self._waiting.values())
        self._waiting.clear()
        self.world.faults.calm = True
        for seconds, act in (pair for acts in waiting for pair in acts):
            self.kernel.after(seconds % 300.0, act)
        self.kernel.sleep(301.0)
        self._wait_for_incidents()
