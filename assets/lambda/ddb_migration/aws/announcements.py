"""Announcements: each change of phase, told as an event of EventBridge and, where one is given, to a topic."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from ddb_migration.aws.clients import client
from ddb_migration.core.reverse_record import epoch_of

SOURCE = "ddb-migration"
DETAIL_TYPE = "Phase of a DynamoDB table migration"
# SNS API, Publish: a subject has at most 100 characters.
_SUBJECT_CHARACTERS = 100


class NotAnnounced(Exception):
    """EventBridge did not take an event; the state that made it is repeated, and tells it again."""


class Announcements:
    """What one migration announces, to the default event bus; `topic` is the ARN of a topic, or empty.

    An event may come more than once, and never holds item data.
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
        """Announce a phase; raises NotAnnounced when EventBridge refuses the event."""
        of = epoch and epoch_of(epoch)
        detail = {"migration": self._migration, "epoch": of, "phase": phase, "time": self._clock(), **more}
        entry = {"Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": json.dumps(detail)}
        answer = self._events.put_events(Entries=[entry])
        if answer["FailedEntryCount"]:
            failed = answer["Entries"][0]
            raise NotAnnounced(f"EventBridge refused: {failed.get('ErrorCode')}: {failed.get('ErrorMessage')}")
        if self._topic:
            subject = f"{self._migration}: {phase}"[:_SUBJECT_CHARACTERS]
            self._sns.publish(TopicArn=self._topic, Subject=subject, Message=json.dumps(detail))
