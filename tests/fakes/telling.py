"""Roles assumed, events and notifications sent, in memory."""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.client_errors import FakeClient


class FakeSts(FakeClient):
    """Credentials that name the role they are of."""

    def assume_role(self, **request: Any) -> dict[str, dict[str, str]]:
        self.called("AssumeRole", request)
        return {"Credentials": {"AccessKeyId": request["RoleArn"], "SecretAccessKey": "s", "SessionToken": "t"}}


class FakeEvents(FakeClient):
    """The details of the events that the default bus took; `refuses` the next ones."""

    def __init__(self) -> None:
        super().__init__()
        self.details: list[dict[str, Any]] = []
        self.refuses = 0

    def put_events(self, **request: Any) -> dict[str, Any]:
        self.called("PutEvents", request)
        (entry,) = request["Entries"]
        if self.refuses:
            self.refuses -= 1
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure", "ErrorMessage": "try again"}]}
        self.details.append(json.loads(entry["Detail"]))
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}

    @property
    def phases(self) -> list[str]:
        """The phases that were told."""
        return [detail["phase"] for detail in self.details]


class FakeSns(FakeClient):
    """The messages published, by topic."""

    def __init__(self) -> None:
        super().__init__()
        self.published: list[tuple[str, str, str]] = []

    def publish(self, **request: Any) -> None:
        self.called("Publish", request)
        assert len(request["Subject"]) <= 100
        self.published.append((request["TopicArn"], request["Subject"], request["Message"]))
