"""The reverse path: it carries the destination's changes back to the source, so that a migration can be rolled back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aws_cdk import Duration
from constructs import Construct

from ddb_migration_construct._runtime import names
from ddb_migration_construct.change_queue import ChangeQueue
from ddb_migration_construct.destination import Destination
from ddb_migration_construct.migration_function import MigrationFunction
from ddb_migration_construct.resources import Resources
from ddb_migration_construct.stream_processor import StreamProcessor
from ddb_migration_construct.table_facts import TableFacts
from ddb_migration_construct.write_cdc import WriteCdc


class ReversePath:
    """StreamProcessor, change queue and WriteCdc once more, with source and destination changed over."""

    def __init__(
        self, scope: Construct, *, resources: Resources, retention: Duration, retention_seconds: float
    ) -> None:
        """Create functions and queues beside those of the forward path; both retentions are the same."""
        queue = ChangeQueue(scope, "ReverseChangeQueue", retention=retention, encryption_key=resources.encryption_key)
        self.resources = replace(
            resources,
            # Its metrics have a name of their own.
            name=f"{resources.name}{names.METRIC_REVERSE}",
            source=resources.destination.facts,
            destination=Destination(resources.source_table, None),
            change_queue=queue.queue,
            change_queue_url=queue.queue_url,
            dead_letter_queue=queue.dead_letter_queue,
            dead_letter_queue_url=queue.dead_letter_queue_url,
        )
        self.stream_processor = StreamProcessor(scope, "ReverseStreamProcessor", resources=self.resources)
        self.write_cdc = WriteCdc(
            scope, "ReverseWriteCdc", resources=self.resources, retention_seconds=retention_seconds
        )
        for owner in self.functions:
            owner.function.add_environment(names.DIRECTION, names.REVERSE)

    @property
    def functions(self) -> Sequence[MigrationFunction]:
        """Return the functions that have mappings."""
        return (self.stream_processor, self.write_cdc)

    @property
    def captured(self) -> TableFacts:
        """Return the table whose changes it carries: the migration's destination."""
        return self.resources.source

    def introduce(self, function: MigrationFunction) -> None:
        """Tell a function of the migration where the reverse path is."""
        told = {
            names.REVERSE_STREAM_PROCESSOR: self.stream_processor.function_arn,
            names.REVERSE_WRITE_CDC: self.write_cdc.function_arn,
            names.REVERSE_WRITE_CDC_ROLE: self.write_cdc.role.role_arn,
            names.REVERSE_CHANGE_QUEUE_URL: self.resources.change_queue_url,
            names.REVERSE_CHANGE_QUEUE_ARN: self.resources.change_queue_arn,
            names.REVERSE_DEAD_LETTER_QUEUE_URL: self.resources.dead_letter_queue_url,
            names.DESTINATION_TABLE: self.captured.arn,
        }
        for name, value in told.items():
            function.function.add_environment(name, value)
