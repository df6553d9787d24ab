"""What the construct tells a function: its environment."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

from ddb_migration import names
from ddb_migration.aws.destination_access import DestinationAccess
from ddb_migration.aws.destination_lock import Holder


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
    destination_key: str | None = None

    @classmethod
    def from_text(cls, text: str) -> Settings:
        """Read the JSON that the construct wrote."""
        values = json.loads(text)
        return cls(**{**values, "accepted_findings": tuple(values["accepted_findings"])})


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
    def destination(self) -> DestinationAccess:
        """Return how the destination is called."""
        return DestinationAccess.of(self[names.DESTINATION_TABLE], self.values.get(names.DESTINATION_ROLE))

    @property
    def holder(self) -> Holder:
        """Return this migration as the holder of its destination's lock."""
        return Holder(
            name=self[names.MIGRATION_NAME],
            control_table=self[names.CONTROL_TABLE],
            change_queue=self[names.CHANGE_QUEUE_URL],
            stream_processor=self[names.STREAM_PROCESSOR],
        )
