"""The ways that an item can take from the source to the destination, each the product's own code over the fakes."""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import json
import sys
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from ddb_migration.aws import bulk_load, bulk_task, destination_access
from ddb_migration.aws.bulk_load import Load
from ddb_migration.aws.change_queue import ChangeQueue
from ddb_migration.aws.control_table import ControlTable
from ddb_migration.aws.dead_letters import DeadLetters
from ddb_migration.aws.export_files import ExportFiles
from ddb_migration.aws.mappings import Mappings
from ddb_migration.aws.rows import Rows
from ddb_migration.aws.tables import Destination, Source, Tables
from ddb_migration.core.bulk_plan import BulkPlan
from ddb_migration.core.deadline import Deadline
from ddb_migration.names import NO_ROLE
from ddb_migration_construct.rehearsal.canonical import canonical
from reread.handler import Parts, reread
from reread.pausing import Pausing
from stream_processor.handler import StreamProcessor
from tests.fakes.aws import FakeAws
from tests.fakes.bulk_port import runner
from tests.fakes.dynamodb import items_of
from tests.fakes.making import create_control_table, create_queue, create_table
from tests.fakes.sqs import event_records
from tests.strategies import History, Item, Shape, Step
from write_cdc.handler import WriteCdc

SHIM = Path(__file__).parents[2] / "src" / "ddb_migration_construct" / "rehearsal" / "glue_shim"
EPOCH, EXECUTION, BUCKET, EXPORT_ARN = "e1", "arn:execution", "bucket", "arn:export"
SEGMENTS = 2


def as_json(value: Any) -> Any:
    """A value as it stands in an event or an export: through JSON, binary as base64 text."""
    return json.loads(json.dumps(value, default=lambda content: base64.b64encode(content).decode()))


class World:
    """A source of one shape, an empty destination, and an open migration between them."""

    def __init__(self, shape: Shape) -> None:
        self.aws = FakeAws()
        self.dynamodb, self.sqs = self.aws.dynamodb, self.aws.sqs
        self.shape = shape
        self.source = create_table(self.dynamodb, "source", *shape, stream="NEW_IMAGE")
        self.destination = create_table(self.dynamodb, "destination", *shape)
        self.control = ControlTable(self.dynamodb, create_control_table(self.dynamodb, "control"))
        self.stream_arn = str(self.dynamodb.tables["source"].description["LatestStreamArn"])
        self.control.open_epoch(EPOCH, EXECUTION, self.stream_arn, self.aws.clock())
        self.control.set_once(EXECUTION, max_read_units_per_second=10**9)
        self.url, self.dead_url = (create_queue(self.sqs, name) for name in ("changes", "dead"))
        self.queue = ChangeQueue(self.sqs, self.url)

    def put(self, *items: Item) -> None:
        for item in items:
            self.dynamodb.put_item(TableName="source", Item=item)

    def contents(self, table: str) -> frozenset[Hashable]:
        """All items of a table in canonical form."""
        return frozenset(canonical(item) for item in items_of(self.dynamodb, table))

    def require_equal(self) -> None:
        assert self.contents("destination") == self.contents("source")
        assert not self.control.parked(EPOCH)

    # The change path

    def capture(self, records: Sequence[dict[str, Any]]) -> None:
        """Let StreamProcessor have one batch."""
        clock = self.aws.clock
        assert StreamProcessor(self.control, self.queue, map, clock, clock.sleep).process(records) == []

    def apply(self) -> None:
        """Let WriteCdc take all that is in the change queue."""
        self.control.set_once(EXECUTION, apply_started=1, barrier_at=1)
        while received := self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10):
            assert self.write_cdc().process(as_json(event_records(received)), Deadline(float("inf"))) == []
            entries = [{"Id": "0", "ReceiptHandle": each["ReceiptHandle"]} for each in received["Messages"]]
            self.sqs.delete_message_batch(QueueUrl=self.url, Entries=entries)

    def write_cdc(self) -> WriteCdc:
        """WriteCdc over the fakes."""
        rows, clock = Rows(self.dynamodb, "control"), self.aws.clock
        source, destination = Source(self.dynamodb, self.source), Destination(self.dynamodb, self.destination)
        return WriteCdc(self.control, rows, source, destination, self.queue, map, clock, clock.sleep)

    def happen(self, step: Step, view: str = "NEW_IMAGE") -> dict[str, Any]:
        """Make a change of the source and return its stream record, with what DynamoDB stored."""
        if step.image is None:
            self.dynamodb.delete_item(TableName="source", Key=step.key)
        else:
            self.put(step.image)
        stored = self.dynamodb.get_item(TableName="source", Key=step.key).get("Item")
        image = {"NewImage": stored} if stored and view != "KEYS_ONLY" else {}
        body = {"Keys": step.key, "SequenceNumber": step.number, "StreamViewType": view, **image}
        name = "MODIFY" if stored else "REMOVE"
        created = {"ApproximateCreationDateTime": 1_790_000_000}
        return {"eventName": name, "dynamodb": as_json({**body, **created})}

    # Rereads

    def reread(self, *keys: Item) -> None:
        """Ask for keys to be read again, as an operator does."""
        clock = self.aws.clock
        letters = DeadLetters(self.sqs, self.dead_url)
        tables, mappings = Tables(self.dynamodb), Mappings(self.aws.functions)
        pausing = Pausing(self.control, mappings, "writer", "queue", clock)
        parts = Parts(self.source, self.control, tables, self.queue, letters, pausing, clock, clock.sleep)
        assert reread(parts, {"keys": as_json(keys)})["sent"] == len(keys)

    # The bulk loads

    def scan(self) -> None:
        """Run every task of DirectMigrationJob, each in turn."""
        with glue_jobs(self.aws, self.source) as (direct, _):
            for segment in range(SEGMENTS):
                direct.copy_segments(self._load(), [[segment]], 1)

    def export(self, lines_a_file: int = 2) -> None:
        """Export the source as DynamoDB writes it, and run LargeMigrationJob over the files."""
        items = items_of(self.dynamodb, "source")
        self.aws.s3.create_bucket(Bucket=BUCKET)
        manifest = self._write_export([items[i : i + lines_a_file] for i in range(0, len(items), lines_a_file)])
        self.copy_export(manifest)

    def copy_export(self, manifest: str = "manifest-summary.json") -> None:
        """Run LargeMigrationJob over an export that stands in the bucket."""
        with glue_jobs(self.aws, self.source) as (_, large):
            files = ExportFiles(self.aws.s3, BUCKET).listed(manifest, EXPORT_ARN)
            large.copy_files(self._load(), BUCKET, [[file] for file in files], 1)

    def _write_export(self, files: Sequence[Sequence[Item]]) -> str:
        rows = []
        for number, items in enumerate(files):
            body = gzip.compress(b"".join(_line(item) + b"\n" for item in items))
            key = f"data/{number}.json.gz"
            self._object(key, body)
            digest = base64.b64encode(hashlib.md5(body).digest()).decode()
            rows.append({"itemCount": len(items), "md5Checksum": digest, "etag": "e", "dataFileS3Key": key})
        self._object("manifest-files.json", b"\n".join(json.dumps(row).encode() for row in rows))
        count = sum(map(len, files))
        summary = {"exportArn": EXPORT_ARN, "manifestFilesS3Key": "manifest-files.json", "itemCount": count}
        self._object("manifest-summary.json", json.dumps(summary).encode())
        return "manifest-summary.json"

    def _object(self, key: str, body: bytes) -> None:
        self.aws.s3.put_object(Bucket=BUCKET, Key=key, Body=body)

    def _load(self) -> Load:
        names = tuple(name for name, _ in self.shape)
        plan = BulkPlan(units=SEGMENTS, tasks=1)
        tables = (self.source, self.destination, NO_ROLE)
        return Load("Migrations/Orders", "control", *tables, EPOCH, 0, self.stream_arn, names, 0, plan, EXPORT_ARN)


def _line(item: Item) -> bytes:
    """A line of an export: compact JSON in UTF-8."""
    return json.dumps({"Item": as_json(item)}, ensure_ascii=False, separators=(",", ":")).encode()


@contextlib.contextmanager
def glue_jobs(aws: FakeAws, source: str) -> Iterator[tuple[Any, Any]]:
    """The scripts of both jobs, with the fakes for clients; awsglue is the rehearsal's stand-in."""
    if str(SHIM) not in sys.path:
        sys.path.append(str(SHIM))
    import direct_migration_job
    import large_migration_job

    instant = SimpleNamespace(monotonic=aws.clock, time=aws.clock, sleep=aws.clock.sleep)
    with contextlib.ExitStack() as stack:
        stack.enter_context(patch.object(bulk_task, "run", runner(aws.clock, aws.dynamodb, source)))
        for module in (bulk_load, bulk_task, destination_access, direct_migration_job, large_migration_job):
            for name in ("client", "writer"):
                if hasattr(module, name):
                    stack.enter_context(patch.object(module, name, aws.client))
            if hasattr(module, "time"):
                stack.enter_context(patch.object(module, "time", instant))
        yield direct_migration_job, large_migration_job


def replay(history: History, batch: int, view: str = "NEW_IMAGE") -> World:
    """Let a history happen and travel, in stream batches of some size."""
    world = World(history.shape)
    records = [world.happen(step, view) for step in history.steps]
    for first in range(0, len(records), batch):
        world.capture(records[first : first + batch])
    world.apply()
    return world
