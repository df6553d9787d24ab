"""What must hold of every migration, while it runs and at its end."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from clean_up.handler import StillEnding
from cut_over.rollback_window import RollBackBegun, WindowOver
from ddb_migration import names
from ddb_migration.aws.bulk_load import LoadIncomplete
from ddb_migration.aws.destination_lock import DestinationLocked
from ddb_migration.aws.mappings import ForeignMapping, RoleNotReady
from ddb_migration.core.control_record import MigrationStopped
from ddb_migration.core.cut_over_order import FENCED
from ddb_migration.core.fence import LIFT
from ddb_migration.core.findings import SetupCheckFailed
from ddb_migration.core.item_key import canonical_key, message_group
from ddb_migration.core.message import decode
from enable_trigger.barrier import BulkLoadIncomplete
from enable_trigger.export import ExportFailed
from enable_trigger.settle import CaptureFailing
from enable_trigger.start_capture import StreamReplaced
from tests.simulation.database import REJECTED
from tests.simulation.failures import Stuck
from tests.simulation.glue import LIVE, TaskFailed
from tests.simulation.mappings import Mapping
from tests.simulation.operator import GAPS, Operator
from tests.simulation.table_policy import SimulatedPolicy, statements
from tests.simulation.tables import Item, Key, SimulatedTable, event_form

# What functions and jobs may end with; anything else is a defect of theirs.
TOLD = (
    BotoCoreError,
    BulkLoadIncomplete,
    CaptureFailing,
    ClientError,
    DestinationLocked,
    ExportFailed,
    ForeignMapping,
    LoadIncomplete,
    MigrationStopped,
    RoleNotReady,
    RollBackBegun,
    SetupCheckFailed,
    StillEnding,
    StreamReplaced,
    TaskFailed,
    WindowOver,
)
# Incidents in which somebody else switches the mapping to WriteCdc.
SWITCHES = ("apply-paused", "change-expired", "aborted", "redrive-after")
QUIET_SECONDS = 6 * 3600.0


class Oracle:
    """Watches one run; `findings` holds one line for everything that is wrong."""

    def __init__(self, operator: Operator) -> None:
        self.operator = operator
        self.world = operator.world
        self.findings: list[str] = operator.wrong
        self.keys: list[Key] = []
        self.world.database.updated = self._updated
        self.world.database.carried = self._carried
        self.world.database.denied = self._denied
        operator.writers.application.wrong = self.findings
        for function in self.world.functions.values():
            function.failed = self._failed
        self.world.glue.failed = self._failed

    def _failed(self, error: Exception) -> None:
        self.world.told("error", f"{type(error).__name__}: {error}"[:300])
        if not isinstance(error, TOLD):
            self.findings.append(f"a function ended with {type(error).__name__}: {error}")

    def _updated(self, key: Key, old: Item, new: Item) -> None:
        """A watermark never goes down; a cut-over that is given up leaves apply as it was."""
        if "cut_over_started" in old and "cut_over_started" not in new and old["epoch"] == new["epoch"]:
            self._require_apply()
        if key[1] == "watermark" and "number" in old:
            before, after = old["number"]["S"], new.get("number", {}).get("S", "")
            if after < before:
                self.findings.append(f"the watermark of {new.get('item_key')} went down from {before} to {after}")

        if key == ("migration", "record"):
            if new["epoch"] != old.get("epoch") and self.world.destination.items:
                self.findings.append(f"{new['epoch']['S']} begins over a destination that holds items")
            for moment in ("cut_over_at", "reverse_cut_over_at"):
                if moment in new and moment not in old:
                    self._compare_switched(new, moment)

    def _compare_switched(self, record: Item, moment: str) -> None:
        """Behind a fence both tables hold the same when it is decided that the application is switched."""
        if "cut_over_form" not in record:
            self.findings.append(f"{moment} is recorded, and not how it was cut over")
        if not _is_fenced(record):
            return
        told = self._told_of()
        for key in self._unequal():
            if self._text(key) not in told and key not in self.operator.writers.application.passed:
                here, there = self.world.source.table.items.get(key), self.world.destination.items.get(key)
                self._wrong(key, f"{key} at {moment}: source {_shown(here)}, destination {_shown(there)}")

    def _unequal(self) -> list[Key]:
        here, there = self.world.source.table.items, self.world.destination.items
        return [key for key in sorted({**here, **there}) if here.get(key) != there.get(key)]

    def _carried(self, table: SimulatedTable, key: Key, old: Item | None, new: Item | None) -> None:
        """No path writes to a table before its time, and none changes one that the application has come back to."""
        record = self.world.control.items.get(("migration", "record"), {})
        is_fenced = _is_fenced(record)
        if table is self.world.source.table:
            if "cut_over_at" not in record:
                self._wrong(key, f"{key} is written to the source, and no cut-over is recorded")
            elif "reverse_cut_over_at" in record and old != new:
                self._wrong(key, f"{key} is changed by the reverse path after the roll back")
        elif "cut_over_at" in record and is_fenced and old != new:
            self._wrong(key, f"{key} is changed by the forward path after the cut-over")

    def _denied(self, role: str | None) -> None:
        """A fence lets through whom it names; those without a role of the migration's it is meant for."""
        if role is not None:
            self.findings.append(f"a fence denies a write of {role}")

    def _require_apply(self) -> None:
        mapping, counts = self.mapping("write-cdc"), self.world.faults.counts
        others = any(counts[kind] for kind in SWITCHES)
        if mapping is not None and mapping.state not in ("Enabled", "Enabling") and not others:
            self.findings.append(f"the cut-over is given up, and the mapping to WriteCdc is {mapping.state}")

    def at_the_end(self) -> None:
        """Let everything come to rest, settle what is parked, and compare."""
        self._judge_fence()
        self._judge_destination_fence()
        if self.operator.has_cut_over:
            self._compare_answers()
            return
        self._rest()
        for letter in self._parked():
            self.operator.reread(message_group(letter), letter)
        self._rest()
        self._repair()
        self._compare()

    def _judge_fence(self) -> None:
        """Behind a cut-over the fence stands unless it was to be lifted; before it, and after an abort, it does not."""
        record = self.operator.record()
        stands = self.world.policy.text_denies
        wanted = (
            "cut_over_at" in record
            and _is_fenced(record)
            and "reverse_cut_over_at" not in record
            and record.get("completing", {}).get("S") != LIFT
        )
        if stands != wanted:
            self.findings.append(f"the fence {'stands' if stands else 'is gone'} at the end")
        self._judge_owners(self.world.policy, "policy-deployed")

    def _judge_destination_fence(self) -> None:
        """Behind a roll back the destination's fence stands unless it was to be lifted; else it does not."""
        record = self.operator.record()
        stands = self.world.destination_policy.text_denies
        if stands != ("reverse_cut_over_at" in record and record.get("completing", {}).get("S") != LIFT):
            self.findings.append(f"the destination's fence {'stands' if stands else 'is gone'} at the end")
        self._judge_owners(self.world.destination_policy, "destination-policy-deployed")

    def _judge_owners(self, policy: SimulatedPolicy, deployed: str) -> None:
        theirs = [one["Sid"] for one in statements(policy.text) if one["Effect"] != "Deny"]
        if len(theirs) > 1 or (not theirs and self.world.faults.counts[deployed]):
            self.findings.append(f"the owner's policy is {theirs}")

    def _compare_answers(self) -> None:
        """What the application was last answered for a key is what its table holds, or the key is told of."""
        application, told = self.operator.writers.application, self._told_of()
        for key, item in sorted(application.answered.items()):
            there = application.table().table.items.get(key)
            if there != item and self._text(key) not in told and key not in application.passed:
                name = "source" if application.is_back else "destination"
                self._wrong(key, f"{key} was answered {_shown(item)}, and the {name} holds {_shown(there)}")
        self._judge_late()

    def _judge_late(self) -> None:
        counts, late = self.world.faults.counts, self._late()
        back = [row for row in late if row["pk"]["S"].endswith("-reverse")]
        causes = ("destination-policy-deployed",), ("policy-deployed", "unfenced")
        for rows, kinds in zip((back, [row for row in late if row not in back]), causes, strict=True):
            if rows and not any(counts[kind] for kind in kinds):
                shown = [(row["pk"]["S"], row["item_key"]["S"], row["number"]["S"], row["at"]["N"]) for row in rows[:2]]
                self.findings.append(f"late changes behind a fence: {len(rows)}, such as {shown}")

    def _late(self) -> list[Item]:
        return [row for row in self.world.control.items.values() if "changes" in row]

    def _told_of(self) -> set[str]:
        """Return the keys that the report tells of: written too late, or accepted as they are."""
        rows = self.world.control.items.values()
        accepted = [row for row in rows if row.get("parked_epoch", {}).get("S", "").startswith(names.ACCEPTED)]
        return {row["item_key"]["S"] for row in (*self._late(), *accepted)}

    def _text(self, key: Key) -> str:
        return canonical_key(dict(zip(self.world.source.table.names, ({"S": key[0]}, {"N": key[1]}), strict=True)))

    def _repair(self) -> None:
        """Where the epoch says that it is incomplete, do what it asks for; where it does not, nothing may be lost."""
        record = self.operator.record()
        if "incomplete" not in record:
            self._require_nothing_lost(float(record["captured_from"]["N"]), record["epoch"]["S"])
            return
        self.operator.refusals["incomplete"] += 1
        if not any(self.world.faults.counts[kind] for kind in GAPS) and not self.operator.was_unseen:
            self.findings.append(f"without a cause: {record['incomplete']['S']}")
        for key in self._different():
            self.operator.reread(message_group(key), key)
        self._rest()

    def _require_nothing_lost(self, captured_from: float, epoch: str) -> None:
        mapping = self.mapping("stream-processor")
        lost = [moment for moment in getattr(mapping, "lost", ()) if moment >= captured_from]
        expired = [message for message in self.world.queue.expired if decode(message.body).epoch == epoch]
        if lost or expired:
            kinds = f"{len(lost)} gaps of the stream, {len(expired)} messages of the queue"
            self.findings.append(f"changes expired before they were taken, and nothing says so: {kinds}")

    def _different(self) -> list[Any]:
        """Return the keys that differ, as a full verify finds them."""
        here, there = self.world.source.table.items, self.world.destination.items
        items = [here.get(key) or there[key] for key in self._unequal()]
        return [event_form({name: item[name] for name in self.world.source.table.names}) for item in items]

    def _rest(self) -> None:
        kernel = self.world.kernel
        until = kernel.now + QUIET_SECONDS
        while not self._is_quiet():
            if kernel.now > until:
                raise Stuck(f"no rest after {QUIET_SECONDS / 3600:.0f} hours: {self._restless()}")
            self.operator.redrive()
            kernel.sleep(45.0)

    def _is_quiet(self) -> bool:
        idle = all(getattr(mapping, "idle", True) for mapping in self.world.mappings.mappings.values())
        return idle and not any(self._restless().values())

    def _restless(self) -> dict[str, int]:
        world = self.world
        return {
            "queued": len(world.queue.messages),
            "dead": len(world.dead_letters.messages),
            "running": sum(function.running for function in world.functions.values()),
            "glue": sum(run.state in LIVE for run in world.glue.runs),
        }

    def _parked(self) -> list[Any]:
        """Return the keys that the control table says are parked in the open epoch."""
        epoch = self.operator.record()["epoch"]
        rows = [row for row in self.world.control.items.values() if row.get("parked_epoch") == epoch]
        return [_key(row["item_key"]["S"]) for row in rows]

    def _compare(self) -> None:
        parked = {json.dumps(key, sort_keys=True) for key in self._parked()}
        source, destination = self.world.source.table, self.world.destination
        for key in sorted({*source.items, *destination.items}):
            here, there = source.items.get(key), destination.items.get(key)
            item: Any = here if here is not None else there
            shown = json.dumps(event_form({name: item[name] for name in source.names}), sort_keys=True)
            self._judge(key, here, there, shown in parked)

    def _judge(self, key: Key, here: Item | None, there: Item | None, parked: bool) -> None:
        rejected = here is not None and REJECTED in here
        if rejected and parked:
            return
        if parked:
            self._wrong(key, f"{key} is parked after it was read again, and nothing rejects it")
        elif here != there:
            what = "is deleted and still there" if here is None else "is missing" if there is None else "is stale"
            self._wrong(key, f"{key} {what}: source {_shown(here)}, destination {_shown(there)}")

    def _wrong(self, key: Key, text: str) -> None:
        self.keys.append(key)
        self.findings.append(text)

    def mapping(self, function: str) -> Mapping | None:
        """Return a function's mapping."""
        found = list(self.world.mappings.of(self.world.functions[function].arn, None))
        return found[0] if found else None


def _is_fenced(record: Item) -> bool:
    return record.get("cut_over_form") == {"S": FENCED}


def _key(canonical: str) -> Any:
    return {name: {kind: value} for name, kind, value in json.loads(canonical)}


def _shown(item: Item | None) -> str:
    return "nothing" if item is None else str(item.get("value", {}).get("S"))[:40]
