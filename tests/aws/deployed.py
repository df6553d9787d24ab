"""The environment of the functions and jobs as the embedded AWS would give it to them, in this process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from ddb_migration import names
from ddb_migration.aws import clients
from ddb_migration.aws.control_table import ControlTable
from ddb_migration.core.bulk_plan import BulkPlan
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from tests.fakes.making import create_control_table, create_queue, create_table

EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:migrate:one"
SETTINGS: Mapping[str, Any] = {
    "size_threshold_bytes": 10**9,
    "enable_source_features": False,
    "accepted_findings": [],
    "worker_type": "G.1X",
    "max_workers": 2,
    "max_apply_concurrency": 10,
}


class Deployed:
    """A migration's resources in the embedded AWS, and an open epoch of it."""

    def __init__(self, aws: EmbeddedAws, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        dynamodb = self.dynamodb = aws.client("dynamodb")
        self.s3 = aws.client("s3")
        self.ssm = aws.client("ssm")
        self.sqs = aws.client("sqs")
        self.name = name
        self.source = create_table(dynamodb, f"{name}-source", ("pk", "S"), ("sk", "N"), stream="NEW_IMAGE")
        self.destination = create_table(dynamodb, f"{name}-destination", ("pk", "S"), ("sk", "N"))
        self.control = ControlTable(dynamodb, create_control_table(dynamodb, f"{name}-control"))
        self.queue_url = create_queue(self.sqs, name)
        self.s3.create_bucket(Bucket=name)
        for job in (names.DIRECT_MIGRATION_JOB, names.LARGE_MIGRATION_JOB, names.VERIFY_JOB):
            command = {"Name": "glueetl", "ScriptLocation": f"s3://{name}/job.py"}
            aws.client("glue").create_job(Name=self.environment[job], Role="role", Command=command)
        self._set_environment(aws, monkeypatch)

    @property
    def environment(self) -> dict[str, str]:
        return {
            names.MIGRATION_NAME: f"Stack/{self.name}",
            names.CONTROL_TABLE: f"{self.name}-control",
            names.SOURCE_TABLE: self.source,
            names.DESTINATION_TABLE: self.destination,
            names.CHANGE_QUEUE_URL: self.queue_url,
            names.CHANGE_QUEUE_ARN: f"arn:aws:sqs:us-east-1:123456789012:{self.name}.fifo",
            names.STREAM_PROCESSOR: f"{self.name}-processor",
            names.WRITE_CDC: f"{self.name}-writer",
            names.DIRECT_MIGRATION_JOB: f"{self.name}-direct",
            names.LARGE_MIGRATION_JOB: f"{self.name}-large",
            names.VERIFY_JOB: f"{self.name}-verify",
            names.MIGRATION_BUCKET: self.name,
            names.CHANGE_RETENTION_SECONDS: "1209600",
            names.NOTIFICATION_TOPIC: "",
            names.SETTINGS: json.dumps(SETTINGS),
        }

    def open(self, plan: BulkPlan, **written: Any) -> None:
        """Open an epoch whose bulk load is planned."""
        stream = self.dynamodb.describe_table(TableName=self.source)["Table"]["LatestStreamArn"]
        self.control.open_epoch("e1", EXECUTION, stream, 0.0)
        self.control.set_once(EXECUTION, plan=plan.to_text(), max_read_units_per_second=100_000, **written)

    @property
    def arguments(self) -> dict[str, str]:
        """The arguments of a Glue run."""
        return {
            "migration_name": "Migrations/Orders",
            "control_table": f"{self.name}-control",
            "source_table": self.source,
            "destination_table": self.destination,
            "destination_role": names.NO_ROLE,
            "epoch": "e1",
            "max_rejected_items": "0",
        }

    def _set_environment(self, aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
        given = {name: value for name, value in aws.environment().items() if name.startswith("AWS_")}
        for name, value in {**given, **self.environment}.items():
            monkeypatch.setenv(name, value)
        for made_once in (clients.client, clients.writer):
            made_once.cache_clear()
