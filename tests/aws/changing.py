"""Two tables that change, one after the other, and the rounds that look at them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ddb_migration.aws.both_sides import BothSides
from ddb_migration.aws.change_queue import ChangeQueue
from ddb_migration.aws.changed_keys import ChangedKeys
from ddb_migration.aws.control_table import ControlTable
from ddb_migration.aws.rereads import Rereads
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core.changed_keys import Round
from ddb_migration.core.message import decode
from ddb_migration.core.watermark import mark
from tests.fakes.aws import FakeAws
from tests.fakes.making import create_control_table, create_queue, create_table

EPOCH, STREAM = "e1", "arn:stream"
SHARDS = 4
Value = dict[str, Any]


def key_of(name: str) -> Value:
    return {"pk": {"S": name}}


class Changing:
    """A source, a destination, watermarks, and a queue for the rereads; all on one clock."""

    def __init__(self, **options: Any) -> None:
        self.aws = FakeAws()
        self.clock = self.aws.clock
        self.verified_at = self.clock()
        self.dynamodb = self.aws.dynamodb
        self.tables = [create_table(self.dynamodb, name, ("pk", "S")) for name in ("source", "destination")]
        self.control = ControlTable(self.dynamodb, create_control_table(self.dynamodb, "control"))
        self.watermarks = Watermarks(self.control.rows, STREAM, self.clock, SHARDS)
        self.queue_url = create_queue(self.aws.sqs, "changes")
        self.options: dict[str, Any] = {"clock": self.clock, "sleep": self.clock.sleep, **options}
        self.lag: float | None = 1.0
        self.rate: float | None = None
        self._number = 0

    @property
    def keys(self) -> ChangedKeys:
        """A new invocation's: nothing is remembered but what the control table holds."""
        queue = ChangeQueue(self.aws.sqs, self.queue_url)
        source, destination = self.tables
        waits: dict[str, Any] = {"clock": self.clock, "sleep": self.clock.sleep}
        sides = BothSides(self.dynamodb, source, destination, self.rate, **waits)
        rereads = Rereads(queue, EPOCH, lambda seconds: None)
        known: dict[str, Any] = {"since": self.verified_at, "lag": lambda: self.lag, **self.options}
        return ChangedKeys(self.control.rows, EPOCH, STREAM, SHARDS, sides, rereads, **known)

    def check(self, seconds: float = 60.0) -> Round:
        return self.keys.check(self.clock() + seconds)

    def put(self, side: int, name: str, value: str | None) -> None:
        """Put an item of one attribute, or delete it."""
        if value is None:
            self.dynamodb.delete_item(TableName=self.tables[side], Key=key_of(name))
        else:
            self.dynamodb.put_item(TableName=self.tables[side], Item={**key_of(name), "v": {"S": value}})

    def raised(self, name: str) -> None:
        """Raise the key's watermark, as an attempt does before it writes."""
        self._number += 1
        assert self.watermarks.raise_to(key_of(name), mark(str(self._number)))

    def change(self, name: str, source: str | None, destination: str | None) -> None:
        """Change a key at the source and apply the change, well or badly."""
        self.put(0, name, source)
        self.raised(name)
        self.put(1, name, destination)

    def reread_keys(self) -> list[str]:
        """The keys of the rereads in the queue, which are taken out of it."""
        found: list[str] = []
        while bodies := self._received():
            found += (decode(body).key["pk"]["S"] for body in bodies)
        return found

    def apply_rereads(self) -> list[str]:
        """Write what the source holds of each key that is to be read again."""
        names = self.reread_keys()
        for name in names:
            item = self.dynamodb.get_item(TableName=self.tables[0], Key=key_of(name)).get("Item")
            self.put(1, name, item["v"]["S"] if item else None)
        return names

    def settle(self, most: int = 20) -> Round:
        """Go on, with half a minute between two looks, until all is equal."""
        for _ in range(most):
            found = self.check()
            if found.is_settled:
                return found
            self.clock.sleep(30)
            self.apply_rereads()
        raise AssertionError(f"not settled: {found}")

    def _received(self) -> Sequence[str]:
        answer = self.aws.sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10)
        messages = answer.get("Messages", [])
        for message in messages:
            entry = {"Id": "0", "ReceiptHandle": message["ReceiptHandle"]}
            self.aws.sqs.delete_message_batch(QueueUrl=self.queue_url, Entries=[entry])
        return [message["Body"] for message in messages]
