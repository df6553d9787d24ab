"""The metrics of a migration: its own, and those that AWS publishes of its parts."""

from __future__ import annotations

from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs

from ddb_migration_construct._runtime import names
from ddb_migration_construct.migrate import Migrate
from ddb_migration_construct.resources import Resources
from ddb_migration_construct.reverse_path import ReversePath
from ddb_migration_construct.stack_facts import minutes

_MAXIMUM, _SUM = cloudwatch.Stats.MAXIMUM, cloudwatch.Stats.SUM


class MigrationMetrics:
    """The `metric_*` methods of the construct; options are those of `aws_cloudwatch.MetricOptions`.

    The migration's own metrics are of the namespace `DdbMigration`, with the dimension `Migration`.
    """

    _resources: Resources
    _migrate: Migrate

    # The construct has these; they stand here for what the methods below take of it.

    @property
    def stream_processor(self) -> lambda_.Function:
        """Return the function that captures changes."""
        raise NotImplementedError

    @property
    def change_queue(self) -> sqs.Queue:
        """Return the FIFO queue between StreamProcessor and WriteCdc."""
        raise NotImplementedError

    def metric(self, metric_name: str, **options: Any) -> cloudwatch.Metric:
        """Return one of the migration's own metrics, by its name."""
        given = {"period": minutes(5), "statistic": _SUM, **options}
        dimensions = {names.METRIC_DIMENSION: self._resources.name, **given.pop("dimensions_map", {})}
        return cloudwatch.Metric(
            namespace=names.METRIC_NAMESPACE, metric_name=metric_name, dimensions_map=dimensions, **given
        )

    def metric_replication_lag(self, **options: Any) -> cloudwatch.Metric:
        """Return the lag in seconds: age of the oldest change captured or applied, whichever is larger."""
        return self.metric(names.METRIC_REPLICATION_LAG, **{"statistic": _MAXIMUM, **options})

    def metric_oldest_change_age(self, **options: Any) -> cloudwatch.Metric:
        """Return how old the oldest change was when it was applied, in seconds since it was made."""
        return self.metric(names.METRIC_OLDEST_CHANGE_AGE, **{"statistic": _MAXIMUM, **options})

    def metric_captured(self, **options: Any) -> cloudwatch.Metric:
        """Return how many changes were captured."""
        return self.metric(names.METRIC_CAPTURED, **options)

    def metric_applied(self, **options: Any) -> cloudwatch.Metric:
        """Return how many changes were applied."""
        return self.metric(names.METRIC_APPLIED, **options)

    def metric_stale(self, **options: Any) -> cloudwatch.Metric:
        """Return how many changes were skipped because a newer one had been applied."""
        return self.metric(names.METRIC_STALE, **options)

    def metric_discarded(self, **options: Any) -> cloudwatch.Metric:
        """Return how many messages of earlier epochs were discarded."""
        return self.metric(names.METRIC_DISCARDED, **options)

    def metric_parked(self, **options: Any) -> cloudwatch.Metric:
        """Return how many keys are parked; at the moment of parking, how many were parked at once."""
        return self.metric(names.METRIC_PARKED, **{"statistic": _MAXIMUM, **options})

    def metric_rereads(self, **options: Any) -> cloudwatch.Metric:
        """Return how many captured changes travel as rereads: too large, or without an image."""
        return self.metric(names.METRIC_REREADS, **options)

    def metric_throttles(self, reason: str | None = None, **options: Any) -> cloudwatch.Metric:
        """Return how many calls were throttled; `reason` is DynamoDB's, as `TableWriteKeyRangeThroughputExceeded`."""
        by_reason = {"dimensions_map": {names.METRIC_REASON: reason}} if reason else {}
        return self.metric(names.METRIC_THROTTLES, **by_reason, **options)

    def metric_changes_after_cut_over(self, **options: Any) -> cloudwatch.Metric:
        """Return how many changes of the source came after cut-over: somebody still writes to it."""
        return self.metric(names.METRIC_CHANGES_AFTER_CUT_OVER, **options)

    def metric_stream_lag(self, **options: Any) -> cloudwatch.Metric:
        """Return the age in milliseconds of the stream records that are captured; nothing while none are."""
        return self.stream_processor.metric("IteratorAge", **{"statistic": _MAXIMUM, **options})

    def metric_queue_age(self, **options: Any) -> cloudwatch.Metric:
        """Return the age in seconds of the oldest message of the change queue."""
        return self.change_queue.metric_approximate_age_of_oldest_message(**options)

    def metric_backlog(self, **options: Any) -> cloudwatch.Metric:
        """Return how many messages wait in the change queue."""
        return self.change_queue.metric_approximate_number_of_messages_visible(**options)

    def metric_dead_letters(self, **options: Any) -> cloudwatch.Metric:
        """Return how many messages are in the dead-letter queue."""
        return self._resources.dead_letter_queue.metric_approximate_number_of_messages_visible(**options)

    def metric_reverse(self, metric_name: str, **options: Any) -> cloudwatch.Metric:
        """Return one of the own metrics of the path by which the migration can be rolled back, by its name."""
        reverse = {names.METRIC_DIMENSION: self._reverse.resources.name}
        return self.metric(metric_name, **{**options, "dimensions_map": reverse})

    def metric_reverse_replication_lag(self, **options: Any) -> cloudwatch.Metric:
        """Return how many seconds the source is behind the destination, after the cut-over."""
        return self.metric_reverse(names.METRIC_REPLICATION_LAG, **{"statistic": _MAXIMUM, **options})

    def metric_reverse_stream_lag(self, **options: Any) -> cloudwatch.Metric:
        """Return the age in milliseconds of the destination's stream records that are captured."""
        function = self._reverse.stream_processor.function
        return function.metric("IteratorAge", **{"statistic": _MAXIMUM, **options})

    def metric_reverse_queue_age(self, **options: Any) -> cloudwatch.Metric:
        """Return the age in seconds of the oldest message on its way from the destination to the source."""
        return self._reverse.resources.change_queue.metric_approximate_age_of_oldest_message(**options)

    def metric_reverse_dead_letters(self, **options: Any) -> cloudwatch.Metric:
        """Return how many messages are in the dead-letter queue of the reverse path."""
        return self._reverse.resources.dead_letter_queue.metric_approximate_number_of_messages_visible(**options)

    def metric_reverse_parked(self, **options: Any) -> cloudwatch.Metric:
        """Return how many keys are parked on their way from the destination to the source."""
        return self.metric_reverse(names.METRIC_PARKED, **{"statistic": _MAXIMUM, **options})

    def metric_changes_after_roll_back(self, **options: Any) -> cloudwatch.Metric:
        """Return how many changes of the destination came after the roll back: somebody still writes to it."""
        return self.metric_reverse(names.METRIC_CHANGES_AFTER_CUT_OVER, **options)

    @property
    def _reverse(self) -> ReversePath:
        if self._resources.reverse is None:
            raise ValueError("the migration cannot be rolled back: pass rollback_window")
        return self._resources.reverse

    def metric_failed_executions(self, **options: Any) -> cloudwatch.Metric:
        """Return how many executions of the state machine failed."""
        given = {"period": minutes(5), "statistic": _SUM, **options}
        machine = {"StateMachineArn": self._migrate.state_machine_arn}
        return cloudwatch.Metric(
            namespace="AWS/States", metric_name="ExecutionsFailed", dimensions_map=machine, **given
        )

    def metric_drain_forecast(self, period: Duration | None = None) -> cloudwatch.MathExpression:
        """Return how old, in seconds, the oldest message would be if it were applied last of all that now wait.

        Its age, and what the backlog takes at the rate of the period; while nothing is applied, its age alone.
        SQS hands out the groups of a FIFO queue in no particular order, so this is a bound and no mean.
        """
        chosen = period or minutes(5)
        return drain_forecast(self.change_queue, self.metric_queue_age(period=chosen), chosen)


def drain_forecast(queue: sqs.Queue, age: cloudwatch.IMetric, period: Duration) -> cloudwatch.MathExpression:
    """Return `metric_drain_forecast` where the metric of the age is at hand."""
    return cloudwatch.MathExpression(
        expression="age + IF(applied > 0, backlog * PERIOD(applied) / applied, 0)",
        using_metrics={
            "age": age,
            "backlog": queue.metric_approximate_number_of_messages_visible(period=period),
            "applied": queue.metric_number_of_messages_deleted(period=period),
        },
        period=period,
        label="age of the oldest message, were it applied last",
    )
