from __future__ import annotations

import json

import pytest

from ddb_migration.aws.announcements import Announcements, NotAnnounced
from tests.fakes.aws import FakeAws


def announcements(fake: FakeAws, topic: str = "") -> Announcements:
    return Announcements(fake.events, fake.sns, "Stack/Orders", topic, fake.clock)


def test_a_phase_is_told_by_event(fake: FakeAws) -> None:
    announcements(fake).phase("e1", "CutOver", form="fenced")
    assert fake.events.details == [
        {"migration": "Stack/Orders", "epoch": "e1", "phase": "CutOver", "time": fake.clock(), "form": "fenced"}
    ]
    assert fake.events.calls[0][1]["Entries"][0]["Source"] == "ddb-migration"
    assert fake.sns.published == []


def test_a_topic_is_told_too(fake: FakeAws) -> None:
    announcements(fake, "arn:topic").phase("e1", "CutOver")
    ((topic, subject, message),) = fake.sns.published
    assert (topic, subject) == ("arn:topic", "Stack/Orders: CutOver")
    assert json.loads(message) == fake.events.details[0]


def test_an_event_that_was_not_taken_is_an_error(fake: FakeAws) -> None:
    fake.events.refuses = 1
    with pytest.raises(NotAnnounced, match="InternalFailure"):
        announcements(fake).phase("e1", "CutOver")
