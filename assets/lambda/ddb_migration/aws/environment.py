"""What the construct tells a function: its environment."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

from ddb_migration import names
from ddb_migration.aws.destination_access import DestinationAccess
from ddb_migration.aws.destination_lock import Holder
from ddb_migration.core.fence import Statement, fence_sid, fence_statement


@dataclass(frozen=True)
class Settings:
    """The props of the construct that the functions act upon; rates are in units a second."""

    size_threshold_bytes: int
    enable_source_features: bool
    accepted_findings: tuple[str, ...]
    worker_type: str
    max_workers: int
    max_apply_concurrency: int
    max_read_units_per_second: float | None = None
    max_write_units_per_second: float | None = None
    change_retention_seconds: float = 14 * 86400
    repair_extra: bool = False
    fence_source_writes: bool = False
    rollback_window_seconds: float | None = None
    destination_key: str | None = None

    @classmethod
    def from_text(cls, text: str) -> Settings:
        """Read the JSON that the construct wrote."""
        values = json.loads(text)
        return cls(**{**values, "accepted_findings": tuple(values["accepted_findings"])})


# What the reverse path has in place of the forward path's; the tables are changed over.
_REVERSE = {
    names.SOURCE_TABLE: names.DESTINATION_TABLE,
    names.DESTINATION_TABLE: names.SOURCE_TABLE,
    names.STREAM_PROCESSOR: names.REVERSE_STREAM_PROCESSOR,
    names.WRITE_CDC: names.REVERSE_WRITE_CDC,
    names.CHANGE_QUEUE_URL: names.REVERSE_CHANGE_QUEUE_URL,
    names.CHANGE_QUEUE_ARN: names.REVERSE_CHANGE_QUEUE_ARN,
    names.DEAD_LETTER_QUEUE_URL: names.REVERSE_DEAD_LETTER_QUEUE_URL,
}


@dataclass(frozen=True)
class Environment:
    """The environment of one function; a name that the function was not given raises KeyError."""

    values: Mapping[str, str]

    @classmethod
    def of_process(cls) -> Environment:
        """Return the environment of this process."""
        return cls(os.environ)

    def __getitem__(self, name: str) -> str:
        """Return one value."""
        return self.values[name]

    @property
    def settings(self) -> Settings:
        """Return the settings."""
        return Settings.from_text(self[names.SETTINGS])

    @property
    def key(self) -> str | None:
        """Return the ARN of the key that encrypts what the migration keeps, None for AWS's own."""
        return self.values.get(names.MIGRATION_KEY)

    @property
    def is_reverse(self) -> bool:
        """Tell whether the function carries changes of the destination back to the source."""
        return self.values.get(names.DIRECTION) == names.REVERSE

    @property
    def reverse(self) -> Environment | None:
        """Return the reverse path's part of this environment, None where there is none, and for the part itself."""
        if self.is_reverse or names.REVERSE_STREAM_PROCESSOR not in self.values:
            return None
        changed = {name: self.values[there] for name, there in _REVERSE.items() if there in self.values}
        return Environment({**self.values, **changed, names.DIRECTION: names.REVERSE})

    @property
    def destination(self) -> DestinationAccess:
        """Return how the destination is called."""
        return DestinationAccess.of(self[names.DESTINATION_TABLE], self.values.get(names.DESTINATION_ROLE))

    @property
    def fence(self) -> Statement:
        """Return the fence of the table that changes come from; the source's lets the reverse path write."""
        writer = None if self.is_reverse else self.values.get(names.REVERSE_WRITE_CDC_ROLE)
        exempt = [] if writer is None else [writer]
        return fence_statement(fence_sid(self[names.CONTROL_TABLE]), self[names.SOURCE_TABLE], exempt)

    @property
    def holder(self) -> Holder:
        """Return this migration as the holder of its destination's lock."""
        return Holder(
            name=self[names.MIGRATION_NAME],
            control_table=self[names.CONTROL_TABLE],
            change_queue=self[names.CHANGE_QUEUE_URL],
            stream_processor=self[names.STREAM_PROCESSOR],
        )
