"""Announcements: each change of phase, told as an event of EventBridge and, where one is given, to a topic."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ddb_migration import names
from ddb_migration.aws.clients import client
from ddb_migration.aws.errors import is_transient
from ddb_migration.core.reverse_record import epoch_of

SOURCE = "ddb-migration"
DETAIL_TYPE = "Phase of a DynamoDB table migration"
# SNS API, Publish: a subject has at most 100 characters.
_SUBJECT_CHARACTERS = 100
# An application that follows the events would wait at the wrong table for ever.
_SWITCHES = frozenset({names.HAS_CUT_OVER_PHASE, names.ROLLED_BACK_PHASE})


class NotAnnounced(Exception):
    """EventBridge did not take an event now; the state of a switch is repeated for it, and tells it again."""


class Announcements:
    """What one migration announces, to the default event bus; `topic` is the ARN of a topic, or empty.

    An event may come more than once, and never holds item data. No migration stops for one that cannot be told: it is
    in the log then.
    """

    def __init__(self, events: Any, sns: Any, migration: str, topic: str, clock: Callable[[], float]) -> None:
        self._events = events
        self._sns = sns
        self._migration = migration
        self._topic = topic
        self._clock = clock

    @classmethod
    def of(cls, migration: str, topic: str) -> Announcements:
        """Build what announces for a migration, by name; `topic` is the ARN of a topic, or empty."""
        return cls(client("events"), client("sns"), migration, topic, time.time)

    def phase(self, epoch: str | None, phase: str, **more: Any) -> None:
        """Announce a phase; raises NotAnnounced where EventBridge may take the word to switch in a moment."""
        of = epoch and epoch_of(epoch)
        detail = {"migration": self._migration, "epoch": of, "phase": phase, "time": self._clock(), **more}
        try:
            self._put_event(json.dumps(detail))
        except (BotoCoreError, ClientError, NotAnnounced) as refused:
            _say_untold(phase, refused)
            if phase in _SWITCHES and _may_pass(refused):
                raise NotAnnounced(f"{phase} could not be announced: {refused}") from refused
        if self._topic:
            self._publish(phase, json.dumps(detail))

    def _put_event(self, detail: str) -> None:
        answer = self._events.put_events(Entries=[{"Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": detail}])
        if answer["FailedEntryCount"]:
            failed = answer["Entries"][0]
            raise NotAnnounced(f"EventBridge refused: {failed.get('ErrorCode')}: {failed.get('ErrorMessage')}")

    def _publish(self, phase: str, detail: str) -> None:
        subject = f"{self._migration}: {phase}"[:_SUBJECT_CHARACTERS]
        try:
            self._sns.publish(TopicArn=self._topic, Subject=subject, Message=detail)
        except (BotoCoreError, ClientError) as refused:
            # Such as KMSAccessDenied, of a topic whose key the role may not use.
            _say_untold(phase, refused)


def _may_pass(refused: Exception) -> bool:
    return isinstance(refused, NotAnnounced) or is_transient(refused)


def _say_untold(phase: str, refused: Exception) -> None:
    print(f"{phase} could not be announced: {refused}")
