"""docs/operating/events.md lists exactly the phases that are announced, and an event as it is sent."""

from __future__ import annotations

import json
import re
from pathlib import Path

from ddb_migration import names
from ddb_migration.aws.announcements import DETAIL_TYPE, SOURCE, Announcements
from ddb_migration.core.direction import FORWARD, REVERSE
from enable_trigger.handler import STATES
from tests.fakes.telling import FakeEvents

TEXT = (Path(__file__).parents[1] / "docs/operating/events.md").read_text("utf-8")
PATTERN, DETAIL = (json.loads(block) for block in re.findall(r"^```json\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE))


def test_every_phase_has_a_row_and_no_row_is_of_none() -> None:
    beside = {value for name, value in vars(names).items() if name.endswith("_PHASE")}
    of_cut_over = {state for way in (FORWARD, REVERSE) for state in (way.waiting_state, way.acting_state)}
    rows = re.findall(r"^\| (`.*?) \|", TEXT, re.MULTILINE)
    listed = [phase for row in rows for phase in re.findall(r"`(\w+)`", row)]
    assert sorted(listed) == sorted({*STATES, *of_cut_over, *beside})


def test_the_event_and_its_pattern_are_as_they_are_sent() -> None:
    events = FakeEvents()
    Announcements(events, None, "Migrations/Orders", "", lambda: DETAIL["time"]).phase(
        DETAIL["epoch"], "HasCutOver", form="fenced"
    )
    assert (PATTERN["source"], PATTERN["detail-type"]) == ([SOURCE], [DETAIL_TYPE])
    assert events.details == [DETAIL]
    assert all(DETAIL[name] in values for name, values in PATTERN["detail"].items())
