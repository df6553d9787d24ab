"""A damaged export stops the job with the file's name, and nothing of that file is believed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Size

from ddb_migration_construct.rehearsal.deployment import deploy, destroy
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from tests.migration.apps import STACK, synthesise
from tests.migration.trial import AT_MOST_SECONDS, Trial

ITEMS = 60


class Export:
    """The files of the trial's export, made while the execution is stopped, to be damaged."""

    def __init__(self, trial: Trial) -> None:
        execution = trial.start()
        trial.until(execution, "Export")
        self._await(lambda: "export_arn" in trial.record())
        trial.stop(execution)
        arn = trial.record()["export_arn"]
        self._description = self._await(lambda: self._completed(trial, arn))
        self.s3, self.bucket = trial.aws.client("s3"), self._description["S3Bucket"]
        self.manifest = self._description["ExportManifest"]
        self.listing = self.manifest.replace("summary", "files")
        self.files = [json.loads(line) for line in self.read(self.listing).splitlines()]

    def _await(self, condition: Callable[[], Any]) -> Any:
        limit = time.monotonic() + AT_MOST_SECONDS
        while not (found := condition()):
            assert time.monotonic() < limit, "the export was not made"
            time.sleep(0.05)
        return found

    def _completed(self, trial: Trial, arn: str) -> Any:
        description = trial.dynamodb.describe_export(ExportArn=arn)["ExportDescription"]
        assert description["ExportStatus"] != "FAILED", description
        return description if description["ExportStatus"] == "COMPLETED" else None

    def read(self, key: str) -> bytes:
        content: bytes = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return content

    def write(self, key: str, content: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=content)

    def change_a_byte(self) -> tuple[str, str]:
        key = self.files[1]["dataFileS3Key"]
        content = bytearray(self.read(key))
        content[len(content) // 2] ^= 1
        self.write(key, bytes(content))
        return key, "is not what DynamoDB wrote"

    def remove_a_file(self) -> tuple[str, str]:
        key = self.files[1]["dataFileS3Key"]
        self.s3.delete_object(Bucket=self.bucket, Key=key)
        return key, "is missing in the bucket"

    def change_a_count(self) -> tuple[str, str]:
        changed = [{**file, "itemCount": file["itemCount"] + (number == 1)} for number, file in enumerate(self.files)]
        self.write(self.listing, "".join(json.dumps(file) + "\n" for file in changed).encode())
        self.s3.delete_object(Bucket=self.bucket, Key=self.listing.replace(".json", ".md5"))
        return self.listing, f"lists {ITEMS + 1} items"


@pytest.mark.slow
@pytest.mark.parametrize("damage", [Export.change_a_byte, Export.remove_a_file, Export.change_a_count])
def test_a_damaged_export_stops_the_job_with_the_files_name(
    aws: EmbeddedAws, assembly: Path, damage: Callable[[Export], tuple[str, str]]
) -> None:
    trial = Trial(aws, deploy(aws, synthesise(assembly, size_threshold=Size.gibibytes(0)), STACK))
    trial.fill(ITEMS)
    export = Export(trial)
    key, reason = damage(export)
    execution = trial.start()
    found = trial.finish(execution)
    assert (found["status"], found["error"]) == ("FAILED", "BulkLoadFailed")
    # Another run would say the same.
    assert trial.states(execution).count("LargeMigrationJob") == 1
    assert key in found["cause"]
    assert reason in found["cause"]
    record, written = trial.record(), trial.items(trial.destination)
    assert "bulk_loaded_at" not in record
    assert "apply_started" not in record
    assert len(written) <= ITEMS - export.files[1]["itemCount"]
    assert damage is not Export.change_a_count or not written


@pytest.mark.slow
def test_an_abort_removes_the_export(aws: EmbeddedAws, assembly: Path) -> None:
    trial = Trial(aws, deploy(aws, synthesise(assembly, size_threshold=Size.gibibytes(0)), STACK))
    trial.fill(ITEMS)
    export = Export(trial)
    assert export.s3.list_objects_v2(Bucket=export.bucket)["KeyCount"] > 0
    trial.abort()
    assert export.s3.list_objects_v2(Bucket=export.bucket)["KeyCount"] == 0


@pytest.mark.slow
def test_a_stack_deleted_after_an_export_takes_the_bucket_along(aws: EmbeddedAws, assembly: Path) -> None:
    trial = Trial(aws, deploy(aws, synthesise(assembly, size_threshold=Size.gibibytes(0)), STACK))
    trial.fill(ITEMS)
    bucket = Export(trial).bucket
    destroy(aws, STACK)
    assert bucket not in [found["Name"] for found in aws.client("s3").list_buckets()["Buckets"]]
