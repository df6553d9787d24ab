"""Following migrations through a cut-over, and leading those that go through together.

Nobody of a group goes on without the word of whoever leads it, and that word is one transaction over all their
control records: it is given to all of them or to none. Whoever leads may die at any moment: without the word
everybody turns back when their time is up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ddb_migration_construct.cli.control_table import ControlRecord, read_record
from ddb_migration_construct.cli.failures import REFUSED, CommandFailed
from ddb_migration_construct.cli.frame import Told
from ddb_migration_construct.cli.migrations import Migration

_SECONDS_BETWEEN_LOOKS = 1.0
# What members of a group wait at, and what they are told then; the migration has the same words.
_WORDS = {"prepared": "fence", "checked": "flip"}
_CALLED_OFF = "back"


class Following:
    """Follows migrations from before they were given an order, until each has cut over or turned back."""

    def __init__(
        self,
        dynamodb: Any,
        concerned: Sequence[Migration],
        group: str | None,
        say: Callable[[Migration, str], object],
        sleep: Callable[[float], object],
        clock: Callable[[], float],
    ) -> None:
        self._dynamodb, self._concerned, self._group = dynamodb, concerned, group
        self._say, self._sleep, self._clock = say, sleep, clock
        self._refused_before = {one: self._read(one).cut_over_refused_at for one in concerned}
        self._records: dict[Migration, ControlRecord] = {}
        self._said: dict[Migration, str] = {}

    def to_the_end(self, at_most_seconds: float) -> None:
        """Follow all of them, and lead them if they are a group; raises CommandFailed when it takes too long."""
        until = self._clock() + at_most_seconds
        while not all(map(self._has_ended, self._look())):
            if self._clock() > until:
                raise CommandFailed("the cut-over has not ended; ddb-migration status shows how far it is")
            if self._group is not None:
                self._lead()
            self._sleep(_SECONDS_BETWEEN_LOOKS)

    def result(self, migration: Migration) -> Told:
        """Return what came of one migration; raises CommandFailed (exit code 3) when it turned back."""
        record = self._records[migration]
        if record.cut_over_at is None:
            raise CommandFailed(
                f"{migration.name} turned back, replication goes on: {record.cut_over_refused}", REFUSED
            )
        since = record.fenced_at or record.cut_over_at
        text = (
            f"{migration.name} has cut over ({record.cut_over_form}): switch your application to the destination. "
            f"When all is well: ddb-migration complete {migration.name}"
        )
        return Told(text, {"cut_over_at": record.cut_over_at, "form": record.cut_over_form, "fenced_at": since})

    def _look(self) -> Sequence[Migration]:
        for migration in self._concerned:
            record = self._records[migration] = self._read(migration)
            where = _where(record)
            if self._said.get(migration) != where:
                self._said[migration] = where
                self._say(migration, where)
        return self._concerned

    def _has_ended(self, migration: Migration) -> bool:
        record = self._records[migration]
        return record.cut_over_at is not None or self._turned_back(migration)

    def _turned_back(self, migration: Migration) -> bool:
        record = self._records[migration]
        return record.cut_over_started is None and record.cut_over_refused_at != self._refused_before[migration]

    def _lead(self) -> None:
        if any(map(self._turned_back, self._concerned)):
            for migration in self._concerned:
                self._call_off(migration)
            return
        for step, word in _WORDS.items():
            if all(record.cut_over_step == step for record in self._records.values()):
                self._tell_all(step, word)

    def _tell_all(self, step: str, word: str) -> None:
        values = {":word": {"S": word}, ":step": {"S": step}, ":group": {"S": str(self._group)}}
        update = {
            "Key": {"pk": {"S": "migration"}, "sk": {"S": "record"}},
            "UpdateExpression": "SET cut_over_go = :word",
            "ConditionExpression": "cut_over_step = :step AND cut_over_group = :group",
            "ExpressionAttributeValues": values,
        }
        actions = [{"Update": {"TableName": one.control_table, **update}} for one in self._concerned]
        # Where one of them has turned back in this moment, nothing is written, and the next look shows it.
        _unless("TransactionCanceledException", lambda: self._dynamodb.transact_write_items(TransactItems=actions))

    def _call_off(self, migration: Migration) -> None:
        """Spare a member the wait for its time-out; one that was told to go through stays so."""
        values = {":word": {"S": _CALLED_OFF}, ":flip": {"S": _WORDS["checked"]}, ":group": {"S": str(self._group)}}
        going = "(attribute_not_exists(cut_over_go) OR cut_over_go <> :flip)"
        update = {
            "TableName": migration.control_table,
            "Key": {"pk": {"S": "migration"}, "sk": {"S": "record"}},
            "UpdateExpression": "SET cut_over_go = :word",
            "ConditionExpression": f"cut_over_group = :group AND {going}",
            "ExpressionAttributeValues": values,
        }
        _unless("ConditionalCheckFailedException", lambda: self._dynamodb.update_item(**update))

    def _read(self, migration: Migration) -> ControlRecord:
        return read_record(self._dynamodb, migration.control_table)


def _unless(code: str, write: Callable[[], object]) -> None:
    """Make a write that may find its condition not met."""
    # Imported here so that the other commands start quickly.
    from botocore.exceptions import ClientError

    try:
        write()
    except ClientError as error:
        if error.response["Error"]["Code"] != code:
            raise


def _where(record: ControlRecord) -> str:
    if record.cut_over_at is not None:
        return "has cut over"
    if record.cut_over_started is None:
        return "has not begun to cut over"
    if record.cut_over_step == _CALLED_OFF:
        return f"turns back: {record.cut_over_refused}"
    if record.fenced_at is not None:
        return "the source is fenced, waiting for the last changes"
    return "preparing" if record.cut_over_step is None else f"{record.cut_over_step}, waiting for the others"
