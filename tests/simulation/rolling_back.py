"""The operator of a migration that can be rolled back: rolls back at some moment of the window, or lets it end."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from cut_over import handler as cut_over_handler
from ddb_migration.aws.rows import Rows
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.cut_over_order import FENCED
from ddb_migration.core.direction import REVERSE
from ddb_migration.core.item_key import key_of_canonical, message_group

if TYPE_CHECKING:
    from tests.simulation.operator import Operator

# How often a window is let pass.
STAYS = 0.2
# How often the operator asks to complete although the window is open.
ASKS_TOO_EARLY = 0.2
# After so many refusals the operator stays with the destination, and after one of these.
PATIENCE = 15
FINAL = ("may be missing", "stream was replaced")


class RollingBack:
    """The operator's part from the cut-over on, where there is a window."""

    def __init__(self, operator: Operator) -> None:
        self._operator = operator
        self._world = operator.world
        self._kernel = operator.world.kernel
        self._draws = operator.world.draws("rolling-back")
        self._ordered: str | None = None
        self._refusals = 0
        self._stays = self._draws.random() < STAYS
        self._asks = self._draws.random() < ASKS_TOO_EARLY
        self._after = self._draws.choice((0.0, 30.0, 900.0, 3000.0))

    def step(self, record: ControlRecord) -> bool:
        """Do what is to be done in the window; False when it is over, or the migration has rolled back."""
        window, begun = self._world.rollback_window, float(record.cut_over_at or 0)
        if window is None or record.is_rolled_back or record.completing is not None:
            return False
        back = self._operator.seen_back()
        if back.cut_over_started is not None:
            return True
        if self._kernel.now >= begun + window:
            return False
        self._ask_too_early()
        if back.task_token is not None and back.task_token != self._ordered:
            self._answer(back, begun + min(window * 0.8, self._after * window / 3600.0))
        return True

    def _answer(self, back: ControlRecord, moment: float) -> None:
        if back.cut_over_refused and self._ordered is not None:
            # The next look sees the token that is good by then.
            self._ordered = None
            self._clear(back, back.cut_over_refused)
        elif self._kernel.now >= moment and not self._stays:
            self._order(str(back.task_token))

    def _order(self, token: str) -> None:
        self._ordered = token
        order = {"form": FENCED, "timeout_seconds": self._draws.choice((60, 180, 180, 600)), "group": None}
        self._world.told("ordered", f"roll back {json.dumps(order)}")
        self._world.machine.answer(token, order)

    def _ask_too_early(self) -> None:
        """Ask to complete in the window, which has to be refused."""
        if not self._asks:
            return
        self._asks = False
        event = {"action": "complete", "lift_fence": True}
        answer = self._operator.tried(lambda: cut_over_handler.handler(event, None))
        if isinstance(answer, dict) and not answer["refused"]:
            self._operator.wrong.append("the migration is completed in its rollback window")

    def _clear(self, back: ControlRecord, reason: str) -> None:
        """Hold a refusal wrong where its premise holds; clear what has kept the gate closed."""
        self._world.told("stayed", reason)
        self._operator.refusals["roll-back"] += 1
        self._judge(reason)
        self._operator.redrive()
        if "parked" in reason:
            self._settle(back)
        self._refusals += 1
        self._stays = self._refusals == PATIENCE or any(words in reason for words in FINAL)
        self._kernel.sleep(self._draws.choice((10.0, 60.0, 300.0)))

    def _judge(self, reason: str) -> None:
        counts: Mapping[str, int] = self._world.faults.counts
        causes: Mapping[str, Callable[[], bool]] = {
            "may be missing": lambda: bool(counts["reverse-capture-gap"] or counts["capture-failing"]),
            "stream was replaced": lambda: bool(counts["destination-stream-replaced"]),
            "by somebody else": lambda: bool(counts["destination-policy-deployed"]),
            "dead-letter queue": lambda: bool(counts["reverse-few-receives"]),
            "parked": lambda: bool(counts["validation-once"]),
            "rollback_window": lambda: False,
            "was written to behind the fence": lambda: bool(counts["destination-policy-deployed"]),
        }
        for words, has_cause in causes.items():
            if words in reason and not has_cause():
                self._operator.wrong.append(f"a roll back is refused without a cause: {reason}")

    def _settle(self, back: ControlRecord) -> None:
        """Have parked keys read again, and accept those that are parked all the same."""
        for key in self._parked(back):
            self._operator.reread(message_group(key), key, REVERSE)
        self._kernel.sleep(300.0)
        rows = Rows(self._world.client("dynamodb"), self._world.control.arn)
        marks = Watermarks(rows, str(back.stream_arn), self._kernel.clock)
        for key in self._parked(back):
            self._operator.tried(partial(marks.accept, key, str(back.epoch), "known", "the operator"))

    def _parked(self, back: ControlRecord) -> list[Any]:
        rows = self._world.control.items.values()
        parked = [row for row in rows if row.get("parked_epoch") == {"S": str(back.epoch)}]
        return [key_of_canonical(row["item_key"]["S"]) for row in parked]
