"""Following migrations through a cut-over or a roll back, and leading those that go through together.

Nobody of a group goes on without the word of whoever leads it, and that word is one transaction over all their
control records: it is given to all of them or to none. Whoever leads may die at any moment: without the word
everybody turns back when their time is up.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from ddb_migration_construct.cli.control_table import FENCED, ControlRecord, read_record
from ddb_migration_construct.cli.executions import RUNNING, newest_execution
from ddb_migration_construct.cli.failures import NEEDS_YOU, REFUSED, CommandFailed, is_passing
from ddb_migration_construct.cli.migrations import Migration
from ddb_migration_construct.cli.ways import Way

_SECONDS_BETWEEN_LOOKS = 1.0
# An execution that has ended leaves the fence as it is. Step Functions answers five such calls a second (quota).
_LOOKS_BETWEEN_EXECUTIONS = 20
# A member that was just given its order takes some seconds to begin; before that it cannot be called off.
_LOOKS_OF_CALLING_OFF = 30
# What members of a group wait at, and what they are told then; the migration has the same words.
_WORDS = {"prepared": "fence", "checked": "flip"}
_CALLED_OFF = "back"


class Following:
    """Follows migrations from before they were given an order, until each has gone one way or turned back."""

    def __init__(
        self,
        states: Any,
        dynamodb: Any,
        way: Way,
        concerned: Sequence[Migration],
        group: str | None,
        say: Callable[[Migration, str], object],
        sleep: Callable[[float], object],
        clock: Callable[[], float],
    ) -> None:
        self._states, self._dynamodb = states, dynamodb
        self._way, self._concerned, self._group = way, concerned, group
        self._say, self._sleep, self._clock = say, sleep, clock
        self._refused_before = {one: self._read(one).cut_over_refused_at for one in concerned}
        self._records: dict[Migration, ControlRecord] = {}
        self._said: dict[Migration, str] = {}

    def to_the_end(self, at_most_seconds: float) -> None:
        """Follow all of them, and lead them if they are a group.

        Raises CommandFailed when it takes too long, or one stops on the way (exit code 4).
        """
        until = self._clock() + at_most_seconds
        for number in itertools.count(1):
            if self._step(number):
                return
            if self._clock() > until:
                raise CommandFailed(f"the {self._way.act} has not ended; ddb-migration status shows how far it is")
            self._sleep(_SECONDS_BETWEEN_LOOKS)

    def call_off(self, ordered: Sequence[Migration]) -> None:
        """Let those of the group that were given an order turn back now, but for what was told to go through."""
        for _ in range(_LOOKS_OF_CALLING_OFF):
            self._look()
            under_way = [one for one in ordered if not self._has_ended(one)]
            if not under_way:
                return
            for migration in under_way:
                self._call_off(migration)
            self._sleep(_SECONDS_BETWEEN_LOOKS)

    def result(self, migration: Migration) -> ControlRecord:
        """Return the record of one that has gone the way; raises CommandFailed (exit code 3) when it turned back."""
        record = self._records[migration]
        if record.cut_over_at is None:
            raise CommandFailed(
                f"{migration.name} turned back, {self._way.goes_on}: {record.cut_over_refused}", REFUSED
            )
        return record

    def _step(self, number: int) -> bool:
        """Look, and lead a group; tell whether all have ended. A call that AWS does not answer is for the next step."""
        try:
            self._look()
            if all(map(self._has_ended, self._concerned)):
                return True
            if number % _LOOKS_BETWEEN_EXECUTIONS == 0:
                self._require_running()
            if self._group is not None:
                self._lead()
        except Exception as error:
            if not is_passing(error):
                raise
            self._tell(self._concerned[0], f"AWS does not answer, and is asked again: {error}")
        return False

    def _look(self) -> None:
        for migration in self._concerned:
            record = self._records[migration] = self._read(migration)
            self._tell(migration, self._where(record))

    def _tell(self, migration: Migration, text: str) -> None:
        if self._said.get(migration) != text:
            self._said[migration] = text
            self._say(migration, text)

    def _require_running(self) -> None:
        """Raise CommandFailed (exit code 4) where an execution has ended on the way: nothing goes on by itself then."""
        stopped = [told for told in map(self._stopped, self._concerned) if told is not None]
        if stopped:
            raise CommandFailed("\n".join(stopped), NEEDS_YOU)

    def _stopped(self, migration: Migration) -> str | None:
        execution = None if self._has_ended(migration) else newest_execution(self._states, migration)
        if execution is None or execution.status == RUNNING:
            return None
        # It may have come to its end between the two looks.
        record = self._records[migration] = self._read(migration)
        if self._has_ended(migration):
            return None
        return (
            f"the execution of {migration.name} has ended with {execution.error or execution.status} before it could "
            f"{self._way.verb}{self._denied(record)}; start it, and it goes on or turns back: "
            f"ddb-migration start {migration.name}"
        )

    def _denied(self, record: ControlRecord) -> str:
        """Say which table takes no writes as the record stands; the fence is put before it is seen to hold."""
        if record.cut_over_form != FENCED or record.prepared_at is None:
            return ""
        if record.cut_over_at is not None:
            return ", and neither table takes writes"
        return f", and the {self._way.left} {'may take' if record.fenced_at is None else 'takes'} no writes"

    def _has_ended(self, migration: Migration) -> bool:
        return self._way.is_over(self._records[migration]) or self._turned_back(migration)

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
        when = f"{self._way.prefix}cut_over_step = :step"
        update = self._update(word, when, {":step": {"S": step}})
        actions = [{"Update": {"TableName": one.control_table, **update}} for one in self._concerned]
        # Where one of them has turned back in this moment, nothing is written, and the next look shows it.
        _unless("TransactionCanceledException", lambda: self._dynamodb.transact_write_items(TransactItems=actions))

    def _call_off(self, migration: Migration) -> None:
        """Spare a member the wait for its time-out; one that was told to go through stays so."""
        go = f"{self._way.prefix}cut_over_go"
        when = f"(attribute_not_exists({go}) OR {go} <> :flip)"
        update = self._update(_CALLED_OFF, when, {":flip": {"S": _WORDS["checked"]}})
        _unless(
            "ConditionalCheckFailedException",
            lambda: self._dynamodb.update_item(TableName=migration.control_table, **update),
        )

    def _update(self, word: str, when: str, values: dict[str, Any]) -> dict[str, Any]:
        prefix = self._way.prefix
        return {
            "Key": {"pk": {"S": "migration"}, "sk": {"S": "record"}},
            "UpdateExpression": f"SET {prefix}cut_over_go = :word",
            "ConditionExpression": f"{prefix}cut_over_group = :group AND {when}",
            "ExpressionAttributeValues": {":word": {"S": word}, ":group": {"S": str(self._group)}, **values},
        }

    def _read(self, migration: Migration) -> ControlRecord:
        return read_record(self._dynamodb, migration.control_table, self._way.prefix)

    def _where(self, record: ControlRecord) -> str:
        way = self._way
        if record.cut_over_at is not None:
            return way.has_acted if way.is_over(record) else f"lifts the fence of the {way.entered}"
        if record.cut_over_started is None:
            return f"has not begun to {way.verb}"
        if record.cut_over_step == _CALLED_OFF:
            return f"turns back: {record.cut_over_refused}"
        if record.fenced_at is not None:
            return f"the {way.left} is fenced, waiting for the last changes"
        return "preparing" if record.cut_over_step is None else f"{record.cut_over_step}, waiting for the others"


def _unless(code: str, write: Callable[[], object]) -> None:
    """Make a write that may find its condition not met."""
    # Imported here so that the other commands start quickly.
    from botocore.exceptions import ClientError

    try:
        write()
    except ClientError as error:
        if error.response["Error"]["Code"] != code:
            raise
