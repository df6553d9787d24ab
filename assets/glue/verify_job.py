"""VerifyJob: both tables read by parallel Scans and matched, what has no equal looked at again until it is settled.

Spark starts the tasks and joins what they leave over, by digests; it never sees an item. Tables whose keys are hashed
alike, as DynamoDB's are, are matched within the tasks, and nearly nothing is left over.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext

from ddb_migration.aws.spark import at_once
from ddb_migration.aws.task_failures import telling_the_cause
from ddb_migration.aws.verify_engine import PAIRS
from ddb_migration.aws.verify_pass import ARGUMENTS, Summary, VerifyPass
from ddb_migration.aws.verify_task import match_segments
from ddb_migration.core.attribute_values import Item
from ddb_migration.core.bulk_plan import runs
from ddb_migration.core.item_key import canonical_key
from ddb_migration.core.joining import MOST_UNMATCHED, blobs, parts_for, record_of, records_in, unmatched
from ddb_migration.core.verify_plan import VerifyPlan
from ddb_migration.core.verify_report import VerifyReport


def match(spark: Any, this: VerifyPass, plan: VerifyPlan) -> int:
    """Match the segments that are not done yet, and return how many were done before."""
    chosen = plan.chosen
    done = this.objects.done()
    left = [segment for segment in chosen if segment not in done]
    dealt = runs(len(left), min(plan.tasks, max(1, len(left))), PAIRS)
    shares = [[[left[place] for place in run] for run in task] for task in dealt]
    if shares:
        tasks, total = at_once(spark, len(shares)), plan.segments

        def work(partition: Iterable[list[list[int]]]) -> Iterable[int]:
            for share in partition:
                match_segments(this, total, share, tasks)
                yield len(share)

        spark.parallelize(shares, len(shares)).mapPartitions(work).count()
    return len(chosen) - len(left)


def keys_left_over(spark: Any, this: VerifyPass, summaries: Sequence[Summary], tasks: int) -> tuple[list[Item], int]:
    """Join the leftovers of all segments; return the keys of those without an equal, and how many there are too many.

    A key that differs has a leftover on each side.
    """
    segments = [summary.segment.first for summary in summaries if summary.leftovers]
    if not segments:
        return [], 0
    parts = parts_for(sum(summary.leftovers for summary in summaries))
    most = -(-MOST_UNMATCHED // parts)
    found = spark.parallelize(segments, min(tasks, len(segments)))
    records = found.flatMap(lambda segment: blobs(this.objects.matched(segment).leftovers, parts))
    joined = records.partitionBy(parts, int).values().mapPartitions(lambda part: [unmatched(part, most)]).collect()
    wanted = spark.broadcast(records_in(b"".join(blob for _, blob in joined)))

    def keys(segment: int) -> Iterable[tuple[str, Item]]:
        lefts = this.objects.matched(segment).leftovers
        return ((canonical_key(left.key), left.key) for left in lefts if record_of(left) in wanted.value)

    by_text: dict[str, Item] = dict(found.flatMap(keys).collect())
    return list(by_text.values()), sum(count for count, _ in joined) - len(wanted.value)


def verify(spark: Any, this: VerifyPass) -> VerifyReport:
    """Do a pass, from where an earlier run of it has come to, and return its report."""
    with telling_the_cause():
        plan = this.plan(this.tasks)
        skipped = match(spark, this, plan)
        chosen = spark.parallelize(plan.chosen, min(plan.tasks, len(plan.chosen)))
        summaries = chosen.map(this.summary).collect()
        keys, unchecked = keys_left_over(spark, this, summaries, plan.tasks)
    settled, units = this.settle(keys)
    report = this.report(plan, summaries, skipped, settled, units, unchecked)
    this.end(report)
    return report


def main() -> None:
    """Run the job; a pass that has ended already is left as it is."""
    this = VerifyPass.of(getResolvedOptions(sys.argv, ["JOB_NAME", *ARGUMENTS]))
    report = this.objects.report() or verify(SparkContext.getOrCreate(), this)
    print(f"{report.verdict}: {report.found.differences} differences among {report.source.items} items")


if __name__ == "__main__":
    main()
