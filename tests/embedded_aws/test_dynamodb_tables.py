"""Exports and restorable times."""

from __future__ import annotations

import base64
import datetime
import gzip
import hashlib
import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from tests.embedded_aws.running import until


def _table(aws: EmbeddedAws, name: str) -> str:
    made = aws.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return str(made["TableDescription"]["TableArn"])


def _recover(aws: EmbeddedAws, name: str) -> None:
    aws.client("dynamodb").update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )


def _exported(aws: EmbeddedAws, arn: str) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        described: dict[str, Any] = aws.client("dynamodb").describe_export(ExportArn=arn)["ExportDescription"]
        return described if described["ExportStatus"] != "IN_PROGRESS" else None

    answer: dict[str, Any] = until(ended)
    return answer


def test_an_export_has_the_documented_files(aws: EmbeddedAws) -> None:
    table_arn = _table(aws, "exported")
    aws.client("s3").create_bucket(Bucket="exports")
    dynamodb = aws.client("dynamodb")
    for number in range(9):
        item = {"pk": {"S": f"k{number}"}, "b": {"B": b"\x00\xff"}, "n": {"N": "1.50"}}
        dynamodb.put_item(TableName="exported", Item=item)
    with pytest.raises(ClientError, match="PointInTimeRecoveryUnavailableException"):
        dynamodb.export_table_to_point_in_time(TableArn=table_arn, S3Bucket="exports")
    _recover(aws, "exported")
    began = dynamodb.export_table_to_point_in_time(TableArn=table_arn, S3Bucket="exports", S3Prefix="p")
    dynamodb.put_item(TableName="exported", Item={"pk": {"S": "after"}})
    description = _exported(aws, began["ExportDescription"]["ExportArn"])
    assert (description["ExportStatus"], description["ItemCount"]) == ("COMPLETED", 9)
    items = _items_of(aws, description["ExportManifest"])
    assert sorted(item["pk"]["S"] for item in items) == [f"k{number}" for number in range(9)]
    assert items[0]["b"] == {"B": "AP8="}
    assert items[0]["n"] == {"N": "1.5"}


def test_an_export_holds_the_table_as_of_its_time(aws: EmbeddedAws) -> None:
    table_arn = _table(aws, "past")
    _recover(aws, "past")
    aws.client("s3").create_bucket(Bucket="exports")
    dynamodb = aws.client("dynamodb")
    for name in ("kept", "changed", "deleted"):
        dynamodb.put_item(TableName="past", Item={"pk": {"S": name}, "v": {"N": "1"}})
    time.sleep(1.1)
    moment = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    time.sleep(1.1)
    dynamodb.update_item(
        TableName="past",
        Key={"pk": {"S": "changed"}},
        UpdateExpression="SET v = :v",
        ExpressionAttributeValues={":v": {"N": "2"}},
    )
    dynamodb.delete_item(TableName="past", Key={"pk": {"S": "deleted"}})
    dynamodb.batch_write_item(RequestItems={"past": [{"PutRequest": {"Item": {"pk": {"S": "new"}}}}]})
    began = dynamodb.export_table_to_point_in_time(
        TableArn=table_arn, S3Bucket="exports", S3Prefix="p", ExportTime=moment
    )["ExportDescription"]
    assert began["ExportTime"] == moment
    items = _items_of(aws, _exported(aws, began["ExportArn"])["ExportManifest"])
    assert sorted((item["pk"]["S"], item["v"]["N"]) for item in items) == [
        ("changed", "1"),
        ("deleted", "1"),
        ("kept", "1"),
    ]


def _object(aws: EmbeddedAws, key: str) -> bytes:
    content: bytes = aws.client("s3").get_object(Bucket="exports", Key=key)["Body"].read()
    return content


def _items_of(aws: EmbeddedAws, manifest: str) -> list[dict[str, Any]]:
    assert manifest.startswith("p/AWSDynamoDB/")
    summary = json.loads(_object(aws, manifest))
    items, counts = [], list[int]()
    for line in _object(aws, summary["manifestFilesS3Key"]).decode().splitlines():
        file = json.loads(line)
        packed = _object(aws, file["dataFileS3Key"])
        assert base64.b64encode(hashlib.md5(packed).digest()).decode() == file["md5Checksum"]
        lines = gzip.decompress(packed).decode().splitlines()
        assert len(lines) == file["itemCount"]
        counts.append(len(lines))
        items += [json.loads(entry)["Item"] for entry in lines]
    assert 0 in counts, "an empty partition gives an empty file"
    return items


def test_a_failed_export_says_why(aws: EmbeddedAws) -> None:
    table_arn = _table(aws, "nobucket")
    _recover(aws, "nobucket")
    dynamodb = aws.client("dynamodb")
    began = dynamodb.export_table_to_point_in_time(TableArn=table_arn, S3Bucket="no-such-bucket")
    description = _exported(aws, began["ExportDescription"]["ExportArn"])
    assert description["ExportStatus"] == "FAILED"
    assert "bucket" in description["FailureMessage"]
    tomorrow = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
    with pytest.raises(ClientError, match="InvalidExportTimeException"):
        dynamodb.export_table_to_point_in_time(TableArn=table_arn, S3Bucket="b", ExportTime=tomorrow)


def test_the_latest_restorable_time_lags(aws: EmbeddedAws) -> None:
    _table(aws, "restorable")
    _recover(aws, "restorable")
    time.sleep(0.1)
    backups = aws.client("dynamodb").describe_continuous_backups(TableName="restorable")
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    earliest, latest = recovery["EarliestRestorableDateTime"], recovery["LatestRestorableDateTime"]
    assert earliest <= latest < datetime.datetime.now(datetime.timezone.utc)
