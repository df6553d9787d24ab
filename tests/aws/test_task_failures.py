from __future__ import annotations

import pytest

from ddb_migration.aws.task_failures import TaskFailed, cause_in, telling_the_cause

SPARK = """An error occurred while calling z:org.apache.spark.api.python.PythonRDD.collectAndServe.
: org.apache.spark.SparkException: Job aborted due to stage failure: Task 1 in stage 0.0 failed 1 times (host
executor driver): org.apache.spark.api.python.PythonException: Traceback (most recent call last):
  File "export_files.py", line 115, in _open
    return self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
botocore.errorfactory.NoSuchKey: The specified key does not exist

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "worker.py", line 1247, in main
    process()
  File "export_files.py", line 99, in _download
    raise ExportDamaged(text)
ddb_migration.aws.export_files.ExportDamaged: data/a.json.gz is not what DynamoDB wrote

\tat org.apache.spark.api.python.BasePythonRunner$ReaderIterator.handlePythonException(PythonRunner.scala:572)
Driver stacktrace:
\tat org.apache.spark.scheduler.DAGScheduler.failJobAndIndependentStages(DAGScheduler.scala:2856)
"""
CAUSE = "ddb_migration.aws.export_files.ExportDamaged: data/a.json.gz is not what DynamoDB wrote"


def test_the_tasks_own_error_is_told() -> None:
    with pytest.raises(TaskFailed, match=CAUSE), telling_the_cause():
        raise RuntimeError(SPARK)


@pytest.mark.parametrize("text", ["", "no memory", "Traceback (most recent call last):\n  File"])
def test_an_error_without_a_traceback_is_told_whole(text: str) -> None:
    assert cause_in(text) == text
