"""The operator of a migration that goes on to its cut-over: orders it, settles what is in its way, completes it."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from cut_over import handler as cut_over_handler
from ddb_migration import names
from ddb_migration.aws.rows import Rows
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.cut_over_order import FENCED, UNFENCED
from ddb_migration.core.item_key import key_of_canonical, message_group
from ddb_migration.core.verify_report import VerifyReport, report_key
from tests.simulation.executions import Execution
from tests.simulation.failures import Stuck
from tests.simulation.glue import LIVE, JobRun
from tests.simulation.rolling_back import RollingBack

if TYPE_CHECKING:
    from tests.simulation.operator import Operator

LOOK_SECONDS = 20.0
# An hour without a change is asked for; what comes after an unfenced cut-over is watched as long.
COMPLETE_SECONDS = 4000.0
LONGEST_SECONDS = 40 * 86400.0
# So often may a cut-over be turned back one time after the other while no incident is under way: faults end.
MOST_TURNS = 40


class CuttingOver:
    """The operator's part from ReadyToCutOver on."""

    def __init__(self, operator: Operator) -> None:
        self._operator = operator
        self._world = operator.world
        self._kernel = operator.world.kernel
        self._draws = operator.world.draws("cutting-over")
        self._ordered: str | None = None
        self._turns = self._passes = 0
        self._lifts = self._draws.random() < 0.5
        self._rolling = RollingBack(operator)
        self.form = UNFENCED if "unfenced" in operator.scenario.nature else FENCED

    def follow(self, execution: Execution) -> bool:
        """Do what is to be done until an execution has ended; False when it has not in good time."""
        until = self._kernel.now + LONGEST_SECONDS
        while execution.status == "RUNNING" and self._kernel.now < until:
            record = self._operator.seen()
            if record.is_open:
                self._step(record)
            self._kernel.sleep(LOOK_SECONDS * (0.5 + self._draws.random()))
        self._drop_order()
        return execution.status != "RUNNING"

    def _drop_order(self) -> None:
        """Let the writers go on, unless the next execution goes on with what they were stopped for."""
        record = self._world.control.items.get(("migration", "record"), {})
        if record.get("status") != {"S": "open"} or "cut_over_started" not in record:
            self._operator.writers.application.is_stopped = False

    def _step(self, record: ControlRecord) -> None:
        if record.is_cut_over:
            if not self._rolling.step(record) and self._kernel.now - self._switched_at(record) > COMPLETE_SECONDS:
                self._complete()
        elif record.task_token is not None and record.task_token != self._ordered:
            if record.cut_over_refused and self._ordered is not None:
                # The next look sees the token that is good by then.
                self._ordered = None
                self._clear(record, record.cut_over_refused)
            else:
                self._order(record.task_token)

    @staticmethod
    def _switched_at(record: ControlRecord) -> float:
        return float(record.reverse_cut_over_at or record.cut_over_at or 0)

    def _order(self, token: str) -> None:
        self._ordered = token
        if self.form == UNFENCED:
            # The operator's word: all who write have been stopped, and what they wrote has passed.
            self._operator.writers.application.is_stopped = True
            self._kernel.sleep(60.0)
        timeout = self._draws.choice((60, 180, 180, 600))
        order = {"form": self.form, "timeout_seconds": timeout, "group": None}
        self._world.told("ordered", json.dumps(order))
        self._world.machine.answer(token, order)

    def _clear(self, record: ControlRecord, reason: str) -> None:
        """Clear what has kept the gate closed."""
        self._world.told("turned-back", reason)
        self._operator.writers.application.is_stopped = False
        self._require_progress(reason)
        self._operator.redrive()
        if "stream was replaced" in reason:
            self._operator.begin_anew()
            return
        if "parked" in reason:
            self._settle(record)
        if "one of the two mappings" in reason and not self._operator.is_disturbed:
            self._operator.enable_capture()
        if "ddb-migration verify" in reason:
            self._verify(str(record.epoch))
        self._kernel.sleep(self._draws.choice((30.0, 300.0, 1500.0)))

    def _require_progress(self, reason: str) -> None:
        """Raise Stuck once nothing but the migration itself can be what turns it back again and again."""
        self._turns = 0 if self._operator.is_disturbed else self._turns + 1
        self._operator.turned_back += 1
        if self._turns > MOST_TURNS:
            raise Stuck(f"the cut-over was turned back {MOST_TURNS} times in a row, at last because {reason}")

    def _settle(self, record: ControlRecord) -> None:
        """Have parked keys read again, and accept those that are parked all the same."""
        for key in self._parked(record):
            self._operator.reread(message_group(key), key)
        self._kernel.sleep(600.0)
        rows = Rows(self._world.client("dynamodb"), self._world.control.arn)
        marks = Watermarks(rows, str(record.stream_arn), self._kernel.clock)
        for key in self._parked(record):
            self._operator.tried(partial(marks.accept, key, str(record.epoch), "known", "the operator"))

    def _parked(self, record: ControlRecord) -> list[Any]:
        rows = self._world.control.items.values()
        parked = [row for row in rows if row.get("parked_epoch") == {"S": str(record.epoch)}]
        return [key_of_canonical(row["item_key"]["S"]) for row in parked]

    def _verify(self, epoch: str) -> None:
        """Run a pass, have read again what it finds, extra items too since nobody else writes, and run another."""
        report = self._pass(epoch)
        keys = [found.key for found in report.differences] if report is not None else []
        for key in keys:
            self._operator.reread(message_group(key), key)
        if keys:
            self._pass(epoch)

    def _pass(self, epoch: str) -> VerifyReport | None:
        """Run a pass by hand; None where it has not ended well."""
        self._passes += 1
        arguments = {"epoch": epoch, "pass_id": f"by-hand-{self._passes}"}
        run = self._operator.tried(lambda: self._world.glue.start(names.VERIFY_JOB_STATE, arguments))
        if not isinstance(run, JobRun) or not self._kernel.wait(lambda: run.state not in LIVE, LONGEST_SECONDS, 30.0):
            return None
        text = self._world.bucket_client.objects.get(report_key(**arguments))
        return None if text is None else VerifyReport.from_text(text.decode())

    def _complete(self) -> None:
        event = {"action": "complete", "lift_fence": self._lifts}
        answer = self._operator.tried(lambda: cut_over_handler.handler(event, None))
        self._world.told("complete", str(answer)[:300])
        refused = answer.get("refused") if isinstance(answer, dict) else None
        if refused and "parked" in refused:
            self._operator.wrong.append(f"the migration has cut over, and {refused.split(';')[0]}")
            self._settle(self._operator.product.control.read())
