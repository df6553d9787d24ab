"""The alarms of a migration, each with what it means and what to do; docs/alarms.md has a section for each."""

from __future__ import annotations

from aws_cdk import Duration, Token
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from ddb_migration_construct.migration_metrics import MigrationMetrics, drain_forecast
from ddb_migration_construct.stack_facts import minutes

_MORE_THAN = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
_IGNORE, _NOT_BREACHING = cloudwatch.TreatMissingData.IGNORE, cloudwatch.TreatMissingData.NOT_BREACHING
_MINUTE_MS, _HOUR_MS = 60_000, 3_600_000


class Alarms(Construct):
    """What an operator must hear of; missing data is judged metric by metric.

    A lag of which nothing more is heard is not over, and a key that is parked stays so: these keep their state. A
    queue that holds a message always reports, so silence is health there.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        migration: MigrationMetrics,
        name: str,
        retention_seconds: float,
        topic: sns.ITopic | None,
        can_roll_back: bool,
    ) -> None:
        """Create the alarms; they tell `topic`, if there is one, when they go off and when they end."""
        super().__init__(scope, id)
        self._name = name
        self._topic = topic
        self.all: list[cloudwatch.Alarm] = []
        self._stream(migration)
        self._queue(migration, retention_seconds)
        self._items(migration)
        self._execution(migration)
        if can_roll_back:
            self._reverse(migration)
            self._reverse_items(migration)

    def _stream(self, migration: MigrationMetrics) -> None:
        lag = migration.metric_stream_lag(period=minutes(5))
        self._alarm(
            "StreamLag",
            lag,
            "changes of the source are captured more than 15 minutes late. A stream keeps them for 24 hours; what "
            "is not captured by then is lost. Just after a start these are the old records of the stream, and the "
            "lag falls by itself. Else look for errors and throttling of the function StreamProcessor, and whether "
            f"somebody disabled its event source mapping. How far it is: ddb-migration status {self._name}.",
            threshold=15 * _MINUTE_MS,
            periods=3,
            missing=_IGNORE,
        )
        self._alarm(
            "StreamNearExpiry",
            lag,
            "changes of the source are captured more than 6 hours late, and are lost for good after 24. Act now: "
            "mend what StreamProcessor's log says. From 23 hours on the migration is called incomplete, and cut-over "
            f"asks for a full verify that finds nothing: ddb-migration verify {self._name} --repair.",
            threshold=6 * _HOUR_MS,
            periods=3,
            missing=_IGNORE,
        )

    def _queue(self, migration: MigrationMetrics, retention_seconds: float) -> None:
        period = minutes(5)
        age = migration.metric_queue_age(period=period)
        waited, half = _half_of(age, retention_seconds, period)
        self._alarm(
            "QueueAge",
            waited,
            "a change has waited for half of change_retention, and SQS deletes it at the end of it. Draining is the "
            f"cure. Let the bulk load write faster: ddb-migration rate {self._name} --writes none, more max_workers, "
            "more capacity of the destination. If that is not enough, abort, and start again with a faster one.",
            threshold=half,
        )
        self._alarm(
            "DrainForecast",
            drain_forecast(migration.change_queue, age, period),
            "at the present rate changes will wait for longer than change_retention, and SQS deletes them then. "
            "Raise what the destination takes, or max_apply_concurrency; look at the throttle reasons on the "
            "dashboard. Pausing makes it worse.",
            threshold=retention_seconds,
            periods=4,
            datapoints=3,
        )
        self._alarm(
            "DeadLetters",
            migration.metric_dead_letters(period=period),
            "a change failed a thousand times and is in the dead-letter queue; cut-over is closed. Read the errors in "
            f"WriteCdc's log, mend the cause, then: ddb-migration reread {self._name} --dead-letters.",
        )

    def _items(self, migration: MigrationMetrics) -> None:
        self._alarm(
            "ParkedKeys",
            migration.metric_parked(),
            "the destination rejects an item, which is kept aside with its reason; cut-over is closed. List them: "
            f"ddb-migration status {self._name} --parked-keys. Mend the cause, then: ddb-migration reread "
            f"{self._name} --parked. Or accept the difference, key by key: ddb-migration accept {self._name}.",
            missing=_IGNORE,
        )
        self._alarm(
            "SourceChangedAfterCutOver",
            migration.metric_changes_after_cut_over(),
            "something still writes to the old table after cut-over. Behind a fence these changes are not in the new "
            "one; after a cut-over without a fence they were copied, over what the application wrote there. Find the "
            "writer and move it, then look at these keys in both tables, and write to the new one what it shall hold. "
            f"How many changes: ddb-migration status {self._name}. Which keys: ddb-migration report {self._name}.",
        )

    def _reverse(self, migration: MigrationMetrics) -> None:
        period = minutes(5)
        self._alarm(
            "ReverseStreamLag",
            migration.metric_reverse_stream_lag(period=period),
            "changes of the destination are captured more than 15 minutes late, so a roll back is closed. What is not "
            "captured within 24 hours is lost, and then the migration cannot be rolled back any more. Look for errors "
            "and throttling of the function ReverseStreamProcessor, and whether somebody disabled its event source "
            f"mapping. How far it is: ddb-migration status {self._name}.",
            threshold=15 * _MINUTE_MS,
            periods=3,
            missing=_IGNORE,
        )
        self._alarm(
            "ReverseQueueAge",
            migration.metric_reverse_queue_age(period=period),
            "a change of the destination has waited for more than 15 minutes to be written to the source, so a roll "
            "back is closed. Look for what throttles the source, and for errors of the function ReverseWriteCdc: "
            f"ddb-migration status {self._name} says more.",
            threshold=15 * 60,
            periods=3,
        )
        self._alarm(
            "ReverseDeadLetters",
            migration.metric_reverse_dead_letters(period=period),
            "a change of the destination failed a thousand times on its way to the source; a roll back is closed. "
            "Read the errors in ReverseWriteCdc's log, mend the cause, then: ddb-migration reread "
            f"{self._name} --dead-letters.",
        )

    def _reverse_items(self, migration: MigrationMetrics) -> None:
        self._alarm(
            "ReverseParkedKeys",
            migration.metric_reverse_parked(),
            "the source rejects an item that was written to the destination after the cut-over; it is kept aside with "
            f"its reason, and a roll back is closed. List them: ddb-migration status {self._name} --parked-keys. Mend "
            f"the cause, then: ddb-migration reread {self._name} --parked. Or accept the difference, key by key: "
            f"ddb-migration accept {self._name}.",
            missing=_IGNORE,
        )
        self._alarm(
            "DestinationChangedAfterRollBack",
            migration.metric_changes_after_roll_back(),
            "something still writes to the destination after the roll back, and those changes are not in the source. "
            "Find the writer and move it back, then write to the source what of it is wanted. How many changes: "
            f"ddb-migration status {self._name}. Which keys: ddb-migration report {self._name}.",
        )

    def _execution(self, migration: MigrationMetrics) -> None:
        self._alarm(
            "MigrationFailed",
            migration.metric_failed_executions(period=minutes(5)),
            "the migration stopped, and says why: ddb-migration status "
            f"{self._name}. What had begun of capture and apply goes on. Mend the cause, then continue: ddb-migration "
            f"start {self._name}.",
        )

    def _alarm(
        self,
        id: str,
        metric: cloudwatch.IMetric,
        text: str,
        *,
        threshold: float = 0,
        periods: int = 1,
        datapoints: int | None = None,
        missing: cloudwatch.TreatMissingData = _NOT_BREACHING,
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            id,
            metric=metric,
            threshold=threshold,
            comparison_operator=_MORE_THAN,
            evaluation_periods=periods,
            datapoints_to_alarm=datapoints or periods,
            treat_missing_data=missing,
            alarm_description=f"Migration {self._name}: {text} More: docs/alarms.md, {id}.",
        )
        self.all.append(alarm)
        if self._topic is not None:
            told = actions.SnsAction(self._topic)
            alarm.add_alarm_action(told)
            alarm.add_ok_action(told)


def _half_of(age: cloudwatch.IMetric, whole: float, period: Duration) -> tuple[cloudwatch.IMetric, float]:
    """Return a metric, and the threshold where it tells that half of the retention has passed."""
    # A token is never an int.
    if isinstance(whole, int) or not Token.is_unresolved(whole):
        return age, whole / 2
    # CloudFormation cannot halve a number that only the deployment knows; CloudWatch can double one.
    twice = cloudwatch.MathExpression(
        expression="2 * age", using_metrics={"age": age}, period=period, label="twice the age of the oldest message"
    )
    return twice, whole
