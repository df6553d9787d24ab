"""The Spark job that comes to mind first: a data frame of the export, and boto3's batch_writer in each partition."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ddb_migration_construct.toolchain import find_java


def copy(url: str, table: str, path: Path) -> int:
    """Copy an export file and return how many items it holds."""
    os.environ["JAVA_HOME"] = str(find_java())
    from pyspark.sql import SparkSession

    def write(rows: Iterable[Any]) -> Iterable[int]:
        import boto3
        from boto3.dynamodb.types import TypeDeserializer

        target = boto3.resource("dynamodb", region_name="eu-west-1", endpoint_url=url).Table(table)
        deserialize, count = TypeDeserializer().deserialize, 0
        with target.batch_writer() as writer:
            for row in rows:
                item = {name: value for name, value in row.asDict(recursive=True)["Item"].items() if value}
                writer.put_item(Item={name: deserialize(_typed(value)) for name, value in item.items()})
                count += 1
        yield count

    spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    try:
        return int(spark.read.json(str(path)).rdd.mapPartitions(write).sum())
    finally:
        spark.stop()


def _typed(value: dict[str, Any]) -> dict[str, Any]:
    return {kind: content for kind, content in value.items() if content is not None}
