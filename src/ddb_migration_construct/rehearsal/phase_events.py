"""The events of a migration's phases, as an application would follow them: a rule, and a queue to read."""

from __future__ import annotations

import json
from typing import Any

from ddb_migration_construct.rehearsal.deployed import Aws

_NAME = "rehearsal-phases"
_SOURCE = "ddb-migration"


class PhaseEvents:
    """The phases told since it was made; a queue of its own gets them from the default event bus."""

    def __init__(self, aws: Aws) -> None:
        self._sqs, events = aws.client("sqs"), aws.client("events")
        self._url = self._sqs.create_queue(QueueName=_NAME)["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events.put_rule(Name=_NAME, EventPattern=json.dumps({"source": [_SOURCE]}))
        events.put_targets(Rule=_NAME, Targets=[{"Id": "queue", "Arn": arn}])

    def take(self) -> list[str]:
        """Return the phases that were told since the last time; of two at once the order is not known."""
        messages = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return [_phase(json.loads(message["Body"])) for message in messages]


def _phase(event: dict[str, Any]) -> str:
    return str(event["detail"]["phase"])
