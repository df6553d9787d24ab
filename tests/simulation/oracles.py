"""What must hold of every migration, while it runs and at its end."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from clean_up.handler import StillEnding
from ddb_migration.aws.bulk_load import LoadIncomplete
from ddb_migration.aws.destination_lock import DestinationLocked
from ddb_migration.aws.mappings import ForeignMapping, RoleNotReady
from ddb_migration.core.control_record import MigrationStopped
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
from tests.simulation.table_policy import statements
from tests.simulation.tables import Item, Key, event_form

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
    SetupCheckFailed,
    StillEnding,
    StreamReplaced,
    TaskFailed,
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

    def _require_apply(self) -> None:
        mapping, counts = self.mapping("write-cdc"), self.world.faults.counts
        others = any(counts[kind] for kind in SWITCHES)
        if mapping is not None and mapping.state not in ("Enabled", "Enabling") and not others:
            self.findings.append(f"the cut-over is given up, and the mapping to WriteCdc is {mapping.state}")

    def at_the_end(self) -> None:
        """Let everything come to rest, settle what is parked, and compare."""
        self._judge_fence()
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
            and record["cut_over_form"]["S"] == "fenced"
            and record.get("completing", {}).get("S") != "lift"
        )
        if stands != wanted:
            self.findings.append(f"the fence {'stands' if stands else 'is gone'} at the end")
        theirs = [one["Sid"] for one in statements(self.world.policy.text) if one["Effect"] != "Deny"]
        if len(theirs) > 1 or (not theirs and self.world.faults.counts["policy-deployed"]):
            self.findings.append(f"the owner's policy is {theirs}")

    def _compare_answers(self) -> None:
        """What the application was last answered for a key is what the destination holds, or the key is told of."""
        late = {row["item_key"]["S"] for row in self.world.control.items.values() if "changes" in row}
        accepted = {row["item_key"]["S"] for row in self.world.control.items.values() if "accepted_at" in row}
        for key, item in sorted(self.operator.writers.application.answered.items()):
            there = self.world.destination.items.get(key)
            text = canonical_key(dict(zip(self.world.source.table.names, ({"S": key[0]}, {"N": key[1]}), strict=True)))
            if there != item and text not in late | accepted:
                self._wrong(key, f"{key} was answered {_shown(item)}, and the destination holds {_shown(there)}")
        if late and not self.world.faults.counts["policy-deployed"] and not self.world.faults.counts["unfenced"]:
            self.findings.append(f"late changes behind a fence: {len(late)}")

    def _repair(self) -> None:
        """Where the epoch says that it is incomplete, do what it asks for; where it does not, nothing may be lost."""
        record = self.operator.record()
        if "incomplete" not in record:
            self._require_nothing_lost(float(record["captured_from"]["N"]), record["epoch"]["S"])
            return
        self.operator.refusals["incomplete"] += 1
        if not any(self.world.faults.counts[kind] for kind in GAPS):
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
        keys = [key for key in sorted({**here, **there}) if here.get(key) != there.get(key)]
        items = [here.get(key) or there[key] for key in keys]
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


def _key(canonical: str) -> Any:
    return {name: {kind: value} for name, kind, value in json.loads(canonical)}


def _shown(item: Item | None) -> str:
    return "nothing" if item is None else str(item.get("value", {}).get("S"))[:40]
