"""DynamoDB: exports and restorable times as AWS has them; everything else is MiniStack's.

What differs from AWS: an export is always full and in DYNAMODB_JSON, with five files of which one is empty; it
holds the table as of ExportTime exactly; its calls to S3 are not judged by a bucket policy.
Source of layout and of the five minutes: Amazon DynamoDB Developer Guide, "DynamoDB table export output
format" and "Point-in-time backups for DynamoDB".
"""

from __future__ import annotations

import threading
import time
from typing import Any

from ministack.core import iam_evaluator

from . import table_history, time_to_live
from .export_files import write_export
from .faults import Faults
from .permissions import refused_actions
from .services import Answer, Request, ServiceError, answered, off_the_loop, put_in_front
from .settings import Settings
from .table_faults import with_faults
from .table_policies import require_unblocked

_RESTORABLE_LAG_SECONDS = 300
# A real export of three items took five minutes; a rehearsal only needs to see one in progress.
_EXPORT_SECONDS = 100

_exports: dict[str, dict[str, Any]] = {}
_recovery_since: dict[str, float] = {}


def _table_name(arn_or_name: str) -> str:
    return arn_or_name.rsplit("/", 1)[-1]


async def _check_recovery(request: Request, table_arn: str) -> None:
    name = _table_name(table_arn)
    backups = await request.call("DescribeContinuousBackups", TableName=name)
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    if recovery["PointInTimeRecoveryStatus"] != "ENABLED":
        raise ServiceError(
            "PointInTimeRecoveryUnavailableException",
            f"Point in time recovery is not enabled for table '{name}'",
        )


def _check_bucket(given: dict[str, Any], caller: str) -> None:
    """The caller needs s3:PutObject itself; an export is written with its permissions."""
    if ":assumed-role/" not in caller:
        return
    prefix = (given.get("S3Prefix") or "").strip("/")
    target = f"arn:aws:s3:::{given['S3Bucket']}/{prefix + '/' if prefix else ''}AWSDynamoDB/x"
    if refused_actions(caller.split("/")[1], ["s3:PutObject"], target):
        raise ServiceError(
            "S3AccessDenied", f"User: {caller} is not authorized to perform: s3:PutObject on resource: {target}"
        )


def _check_time(given: dict[str, Any]) -> None:
    wanted = given.get("ExportTime")
    if wanted is not None and wanted > time.time():
        raise ServiceError("InvalidExportTimeException", "The export time lies in the future.")


async def _all_items(request: Request, table_arn: str) -> list[dict[str, Any]]:
    """Every item; MiniStack answers no other request between the pages, so it is one point in time."""
    items: list[dict[str, Any]] = []
    start: dict[str, Any] = {}
    while True:
        page = await request.call("Scan", TableName=_table_name(table_arn), **start)
        items += page["Items"]
        if "LastEvaluatedKey" not in page:
            return items
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


async def _export(request: Request, settings: Settings) -> Answer:
    given = request.json()
    await _check_recovery(request, given["TableArn"])
    _check_time(given)
    await off_the_loop(_check_bucket, given, iam_evaluator.caller_arn())
    description = (await request.call("ExportTableToPointInTime", **given))["ExportDescription"]
    if description["ExportArn"] in _exports:
        return answered({"ExportDescription": _described(description)})
    description["ExportTime"] = given.get("ExportTime") or time.time()
    items = await _all_items(request, given["TableArn"])
    items = table_history.as_of(_table_name(given["TableArn"]), items, description["ExportTime"])
    result: dict[str, Any] = {"ExportStatus": "IN_PROGRESS"}
    _exports[description["ExportArn"]] = result
    writing = threading.Timer(_EXPORT_SECONDS * settings.wait_scale, _write, args=(description, items, result))
    writing.daemon = True
    writing.start()
    return answered({"ExportDescription": _described(description)})


def _write(description: dict[str, Any], items: list[dict[str, Any]], result: dict[str, Any]) -> None:
    try:
        result.update(write_export(description, items), ExportStatus="COMPLETED", EndTime=time.time())
    except Exception as error:  # noqa: BLE001
        # The thread's only reader is DescribeExport, which must see why the export failed.
        result.update(
            ExportStatus="FAILED", EndTime=time.time(), FailureCode=type(error).__name__, FailureMessage=str(error)
        )


def _described(description: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in description.items() if name not in _DECIDED_HERE}
    return {**kept, **_exports[description["ExportArn"]]}


_DECIDED_HERE = ("ExportStatus", "ExportManifest", "ItemCount", "BilledSizeBytes", "EndTime")


async def _describe_export(request: Request) -> Answer:
    answer = await request.call("DescribeExport", **request.json())
    return answered({"ExportDescription": _described(answer["ExportDescription"])})


async def _update_backups(request: Request) -> Answer:
    given = request.json()
    if given.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled"):
        _recovery_since.setdefault(_table_name(given["TableName"]), time.time())
    else:
        _recovery_since.pop(_table_name(given["TableName"]), None)
    return await request.passed_on()


async def _describe_backups(request: Request, settings: Settings) -> Answer:
    answer = await request.call("DescribeContinuousBackups", **request.json())
    recovery = answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    if recovery["PointInTimeRecoveryStatus"] == "ENABLED":
        # A table created by CloudFormation with recovery on was never seen here before.
        since = _recovery_since.setdefault(_table_name(request.json()["TableName"]), time.time())
        latest = max(since, time.time() - _RESTORABLE_LAG_SECONDS * settings.wait_scale)
        recovery.update(EarliestRestorableDateTime=since, LatestRestorableDateTime=latest)
    return answered(answer)


def install(settings: Settings, faults: Faults) -> None:
    """Write exports, give restorable times that lag as on AWS (scaled), and let item calls meet faults."""
    table_history.install()
    time_to_live.install()

    async def answer(request: Request) -> Answer:
        require_unblocked(request, settings)
        if request.action == "ExportTableToPointInTime":
            return await _export(request, settings)
        if request.action == "DescribeExport":
            return await _describe_export(request)
        if request.action == "UpdateContinuousBackups":
            return await _update_backups(request)
        if request.action == "DescribeContinuousBackups":
            return await _describe_backups(request, settings)
        return await with_faults(faults, request)

    put_in_front("dynamodb", answer)
