"""All fakes of one account, on one clock."""

from __future__ import annotations

from typing import Any

from tests.fakes.clock import Clock
from tests.fakes.dynamodb import FakeDynamoDb
from tests.fakes.functions import FakeLambda
from tests.fakes.services import FakeGlue, FakeIam, FakeS3, FakeSsm, FakeStates
from tests.fakes.sqs import FakeSqs
from tests.fakes.streams import FakeStreams
from tests.fakes.telling import FakeEvents, FakeSns, FakeSts


class FakeAws:
    """The services by attribute, and by boto3's name."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.dynamodb = FakeDynamoDb(self.clock)
        self.sqs = FakeSqs(self.clock)
        self.functions = FakeLambda(self.clock)
        self.glue = FakeGlue()
        self.states = FakeStates()
        self.ssm = FakeSsm()
        self.iam = FakeIam()
        self.s3 = FakeS3()
        self.sts = FakeSts()
        self.events = FakeEvents()
        self.sns = FakeSns()
        self.dynamodbstreams = FakeStreams(self.clock)

    def client(self, service: str) -> Any:
        """A client by the name that boto3 gives its service."""
        named = {"lambda": self.functions, "stepfunctions": self.states}
        return named.get(service) or getattr(self, service)
