"""The two ways of switching an application: there by a cut-over, back by a roll back; and what is said of each."""

from __future__ import annotations

from dataclasses import dataclass

from ddb_migration_construct._runtime import names
from ddb_migration_construct.cli.control_table import REVERSE_PREFIX, ControlRecord


@dataclass(frozen=True)
class Way:
    """One way: `left` and `entered` are the tables that the application comes from and goes to.

    `prefix` stands before the names of the way's own attributes of the control record. `ends_in` is the state that
    begins once all of the way is done, None where the switch itself is the last of it. The others are what is said.
    """

    prefix: str
    left: str
    entered: str
    act: str
    verb: str
    has_acted: str
    goes_on: str
    ends_in: str | None

    def is_over(self, record: ControlRecord) -> bool:
        """Tell whether the application may go the way, given the way's own record."""
        return record.cut_over_at is not None and self.ends_in in (None, record.phase)


def leaves_nowhere_to_write(back: ControlRecord) -> bool:
    """Tell whether a roll back has switched, and has the source's fence still to lift; `back` is its own record."""
    lifting = (names.ROLL_BACK_STATE, names.LIFT_DESTINATION_FENCE_STATE)
    return back.cut_over_at is not None and back.phase in lifting


THERE = Way(
    prefix="",
    left="source",
    entered="destination",
    act="cut-over",
    verb="cut over",
    has_acted="has cut over",
    goes_on="replication goes on",
    ends_in=None,
)
# The application may not write to the source before its fence is lifted. No state but Complete tells of that: a
# RollBack that fails behind the switch, or is gone on with by another execution, is in several others before.
BACK = Way(
    prefix=REVERSE_PREFIX,
    left="destination",
    entered="source",
    act="roll back",
    verb="roll back",
    has_acted="has rolled back",
    goes_on="the destination stays the table",
    ends_in=names.COMPLETE_STATE,
)
