from __future__ import annotations

import json

import pytest
from botocore.exceptions import ConnectTimeoutError

from ddb_migration import names
from ddb_migration.aws.announcements import Announcements, NotAnnounced
from tests.fakes.aws import FakeAws
from tests.fakes.client_errors import client_error

SWITCHES = [names.HAS_CUT_OVER_PHASE, names.ROLLED_BACK_PHASE]
DENIED = client_error("PutEvents", "AccessDeniedException", "not authorized to perform: events:PutEvents")
UNAVAILABLE = client_error("PutEvents", "InternalException", status=500)
UNREACHED = ConnectTimeoutError(endpoint_url="https://events")


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


@pytest.mark.parametrize("phase", SWITCHES)
@pytest.mark.parametrize("refused", [UNAVAILABLE, UNREACHED, None])
def test_the_word_to_switch_is_told_until_it_is_heard(fake: FakeAws, phase: str, refused: Exception | None) -> None:
    if refused is None:
        fake.events.refuses = 1
    else:
        fake.events.fail("PutEvents", refused)
    with pytest.raises(NotAnnounced, match=f"{phase} could not be announced"):
        announcements(fake).phase("e1", phase)
    announcements(fake).phase("e1", phase)
    assert fake.events.phases == [phase]


@pytest.mark.parametrize("phase", ["Drain", "Fenced", *SWITCHES])
def test_a_phase_that_eventbridge_refuses_for_good_stops_nothing(
    fake: FakeAws, phase: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.events.fail("PutEvents", DENIED)
    announcements(fake, "arn:topic").phase("e1", phase)
    assert f"{phase} could not be announced" in capsys.readouterr().out
    assert [subject for _, subject, _ in fake.sns.published] == [f"Stack/Orders: {phase}"], "the topic may be heard"


@pytest.mark.parametrize("refused", [UNAVAILABLE, UNREACHED, None])
def test_no_other_phase_is_waited_for(fake: FakeAws, refused: Exception | None) -> None:
    if refused is None:
        fake.events.refuses = 1
    else:
        fake.events.fail("PutEvents", refused)
    announcements(fake).phase("e1", "Drain")
    assert fake.events.phases == []


@pytest.mark.parametrize("phase", ["Drain", *SWITCHES])
def test_a_topic_whose_key_may_not_be_used_stops_nothing(
    fake: FakeAws, phase: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.sns.fail("Publish", client_error("Publish", "KMSAccessDenied", "not authorized to perform: kms:Decrypt"))
    announcements(fake, "arn:topic").phase("e1", phase)
    assert fake.events.phases == [phase]
    told = capsys.readouterr().out
    assert f"{phase} could not be announced" in told
    assert "KMSAccessDenied" in told
