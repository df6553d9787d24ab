"""What the jobs ask of Spark."""

from __future__ import annotations

from typing import Any


def at_once(spark: Any, tasks: int) -> int:
    """Return how many of so many tasks may work at once, given Spark's context.

    Of a cluster the answer is all of them: a job begins before its workers have registered, and Spark, which counts the
    cores of those that have, says two until then. On a single machine there is nothing to wait for.
    """
    return min(tasks, int(spark.defaultParallelism)) if str(spark.master).startswith("local") else tasks
