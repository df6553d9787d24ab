"""The Spark job that comes to mind first: a data frame of the export, and boto3's batch_writer in each partition."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer

from ddb_migration_construct.toolchain import find_java


class NaiveSpark:
    """A Spark on this machine, and the table that it writes to."""

    def __init__(self, url: str, table: str) -> None:
        os.environ["JAVA_HOME"] = str(find_java())
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
        self._spark = builder.config("spark.ui.showConsoleProgress", "false").getOrCreate()
        self._spark.sparkContext.setLogLevel("OFF")
        self._url, self._table = url, table

    def copy(self, path: Path) -> int:
        """Copy an export file and return how many items it holds."""
        url, table = self._url, self._table

        def write(rows: Iterable[Any]) -> Iterable[int]:
            yield _write(rows, url, table)

        return int(self._spark.read.json(str(path)).rdd.mapPartitions(write).sum())


def _write(rows: Iterable[Any], url: str, table: str) -> int:
    target = boto3.resource("dynamodb", region_name="eu-west-1", endpoint_url=url).Table(table)
    deserialize, count = TypeDeserializer().deserialize, 0
    with target.batch_writer() as writer:
        for row in rows:
            item = {name: value for name, value in row.asDict(recursive=True)["Item"].items() if value}
            writer.put_item(Item={name: deserialize(_typed(value)) for name, value in item.items()})
            count += 1
    return count


def _typed(value: dict[str, Any]) -> dict[str, Any]:
    return {kind: content for kind, content in value.items() if content is not None}
