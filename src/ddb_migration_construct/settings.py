"""The props that the functions act upon, as the construct hands them on."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from ddb_migration_construct.stack_facts import StackFacts


@dataclass(frozen=True)
class Settings:
    """Rates in units a second; None stands for the default that SetupCheck chooses. Numbers may be tokens.

    `destination_key` is the ARN of the KMS key that the destination was given with, None for none.
    """

    stack: StackFacts
    size_threshold_bytes: float
    enable_source_features: bool
    accepted_findings: Sequence[str]
    worker_type: str
    max_workers: int
    max_apply_concurrency: int
    max_read_units_per_second: int | None
    max_write_units_per_second: int | None
    max_rejected_items: int
    change_retention_seconds: float
    repair_extra: bool
    fence_source_writes: bool
    destination_key: str | None
    rollback_window_seconds: float | None = None

    @functools.cached_property
    def text(self) -> str:
        """Return the JSON that the functions read; what has no value is left out."""
        values = {
            "size_threshold_bytes": self.size_threshold_bytes,
            "enable_source_features": self.enable_source_features,
            "accepted_findings": [*self.accepted_findings],
            "worker_type": self.worker_type,
            "max_workers": self.max_workers,
            "max_apply_concurrency": self.max_apply_concurrency,
            "max_read_units_per_second": self.max_read_units_per_second,
            "max_write_units_per_second": self.max_write_units_per_second,
            "change_retention_seconds": self.change_retention_seconds,
            "repair_extra": self.repair_extra,
            "fence_source_writes": self.fence_source_writes,
            "destination_key": self.destination_key,
            "rollback_window_seconds": self.rollback_window_seconds,
        }
        return self.stack.json_text({name: value for name, value in values.items() if value is not None})
