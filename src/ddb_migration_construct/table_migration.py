"""DynamoDbTableMigration: one live DynamoDB table into another that already exists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aws_cdk import (
    CfnOutput,
    CfnResource,
    Duration,
    RemovalPolicy,
    Size,
)
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import (
    aws_dynamodb as dynamodb,
)
from aws_cdk import aws_iam as iam
from aws_cdk import (
    aws_kms as kms,
)
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct, IConstruct

from ddb_migration_construct._runtime import names
from ddb_migration_construct.alarms import Alarms
from ddb_migration_construct.announcements import permit_alarms
from ddb_migration_construct.bulk_load_job import (
    DirectMigrationJob,
    LargeMigrationJob,
)
from ddb_migration_construct.change_queue import ChangeQueue
from ddb_migration_construct.clean_up import CleanUp
from ddb_migration_construct.control_table import ControlTable
from ddb_migration_construct.cut_over import CutOver
from ddb_migration_construct.dashboard import MigrationDashboard
from ddb_migration_construct.destination import Destination
from ddb_migration_construct.enable_trigger import EnableTrigger
from ddb_migration_construct.encryption import permit_logs
from ddb_migration_construct.execution_access import ExecutionAccess
from ddb_migration_construct.glue_job import security_configuration
from ddb_migration_construct.log_group import log_group
from ddb_migration_construct.migrate import Migrate
from ddb_migration_construct.migration_bucket import MigrationBucket
from ddb_migration_construct.migration_grants import MigrationGrants
from ddb_migration_construct.migration_metrics import MigrationMetrics
from ddb_migration_construct.migration_role import write_rights
from ddb_migration_construct.nag_reasons import carry_reasons
from ddb_migration_construct.reread import Reread
from ddb_migration_construct.resources import Resources
from ddb_migration_construct.reverse_path import ReversePath
from ddb_migration_construct.settings import Settings
from ddb_migration_construct.setup_check import SetupCheck
from ddb_migration_construct.stack_facts import StackFacts, place_of, seconds
from ddb_migration_construct.stream_processor import StreamProcessor
from ddb_migration_construct.table_facts import TableFacts
from ddb_migration_construct.validation import require_valid
from ddb_migration_construct.verify_job import VerifyJob
from ddb_migration_construct.write_cdc import WriteCdc

DEFAULT_RETENTION_SECONDS = 14 * 86400
DEFAULT_THRESHOLD_BYTES = 80 * 2**30


class DynamoDbTableMigration(MigrationMetrics, MigrationGrants, Construct):
    """Copies a live table into another, keeps it in step, and goes away again.

    Put it into a stack of its own beside the tables' stack. Nothing runs and nothing is read until the state
    machine is started: `ddb-migration start`, or StartExecution with `{}`.

    Example:
        DynamoDbTableMigration(self, "OrdersMigration", source_table=old, destination_table=new)
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        source_table: dynamodb.ITable,
        destination_table: dynamodb.ITable,
        size_threshold: Size | None = None,
        change_retention: Duration | None = None,
        enable_source_features: bool = False,
        accepted_findings: Sequence[str] = (),
        max_read_units_per_second: int | None = None,
        max_write_units_per_second: int | None = None,
        worker_type: str = "G.1X",
        max_workers: int = 4,
        max_apply_concurrency: int = 100,
        max_rejected_items: int = 0,
        repair_extra: bool = False,
        fence_source_writes: bool = False,
        rollback_window: Duration | None = None,
        destination_role: iam.IRole | str | None = None,
        encryption_key: kms.IKey | None = None,
        notification_topic: sns.ITopic | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.DESTROY,
        force_delete: bool = False,
    ) -> None:
        """Create the migration's resources.

        Args:
            scope: the construct it belongs to.
            id: its name there; with the stack's name it is the migration's name.
            source_table: the table to copy; it is neither altered nor written to, unless `enable_source_features`,
                `fence_source_writes` or `rollback_window` say so.
            destination_table: an existing, empty table with the same keys and indexes.
            size_threshold: from this size on the source is exported instead of scanned; default 80 GiB, and
                `Size.gibibytes(0)` always exports, which reads nothing from the table.
            change_retention: how long a change may wait in the queue, 1 to 14 days; default 14.
            enable_source_features: whether the source's stream, and point-in-time recovery for an export, are
                switched on where they are off; default False: they are only asked for.
            accepted_findings: codes of advised findings that shall not stop the run; a required one cannot be
                accepted; default none.
            max_read_units_per_second: the read rate of the Scan, of Verify (for each table), and of comparing changed
                keys; default half of what the source has provisioned, 3,000 on demand, and no more than half of what an
                on-demand source is capped at.
            max_write_units_per_second: the bulk load's write rate into the destination, all tasks together;
                default none: as fast as the destination takes them.
            worker_type: of the Glue jobs: G.1X, G.2X, G.4X or G.8X; default G.1X.
            max_workers: of the Glue jobs, 2 to 299; default 4.
            max_apply_concurrency: how many WriteCdc run at once, 2 to 1,000; default 100.
            max_rejected_items: how many items of the bulk load the destination may reject; default 0: the job
                writes everything else, and then fails with their count and place.
            repair_extra: whether Repair deletes items that only the destination has; default False: they are
                reported, and keep the gate closed.
            fence_source_writes: whether cutting over may deny writes to the source, by a statement of its own in the
                source's resource policy; default False: you stop the writers.
            rollback_window: for how long after the cut-over the migration can be rolled back, one hour to seven days;
                until then the destination's changes are carried back to the source; default none: it cannot be.
                Needs `fence_source_writes`, and a destination with a stream in the same account and Region.
            destination_role: a role, or its ARN, as which everything calls the destination; default none: it is called
                by its ARN. Needed in another Region, possible in another account; its policy has to allow
                `destination_role_policy_statements`, and its trust policy the migration's roles.
            encryption_key: for the migration's own queues, bucket, table and logs; default AWS owned keys.
            notification_topic: where the alarms tell that they went off and that they ended, and where each change of
                phase is told; default none.
            removal_policy: of bucket, control table and log group; default DESTROY, with the bucket emptied;
                RETAIN keeps them.
            force_delete: whether a deployment may take resources from under a running migration; default False.

        Raises:
            ValueError: listing everything that is wrong with the props.
        """
        super().__init__(scope, id)
        self._stack, path = place_of(self, tree := self.node, scope, id)
        stack, source = StackFacts.of(self._stack), TableFacts(source_table)
        destination = Destination(destination_table, destination_role)
        retention = change_retention or seconds(DEFAULT_RETENTION_SECONDS)
        settings = Settings(
            stack=stack,
            size_threshold_bytes=size_threshold.to_bytes() if size_threshold else DEFAULT_THRESHOLD_BYTES,
            enable_source_features=enable_source_features,
            accepted_findings=list(accepted_findings),
            worker_type=worker_type,
            max_workers=max_workers,
            max_apply_concurrency=max_apply_concurrency,
            max_read_units_per_second=max_read_units_per_second,
            max_write_units_per_second=max_write_units_per_second,
            max_rejected_items=max_rejected_items,
            change_retention_seconds=retention.to_seconds() if change_retention else DEFAULT_RETENTION_SECONDS,
            repair_extra=repair_extra,
            fence_source_writes=fence_source_writes,
            destination_key=_key_arn(destination.facts),
            rollback_window_seconds=rollback_window.to_seconds() if rollback_window else None,
        )
        require_valid(path, source, destination, settings)
        self._resources = self._create_resources(
            path, source, destination, retention, encryption_key, notification_topic, removal_policy
        )
        self._create_functions(settings, retention)
        self._create_steering(settings)
        self._setup_check.tell_callers(destination)
        self._create_state_machine()
        self._create_alarms(settings, notification_topic)
        constructs = tree.find_all()
        self._clean_up.guard(
            self._resources,
            force_delete=force_delete,
            keep_bucket=removal_policy != RemovalPolicy.DESTROY,
            after=_resources_but(constructs, self._clean_up, self._migrate),
        )
        write_rights(constructs)
        carry_reasons(self, constructs, self._stack, has_key=encryption_key is not None)

    @property
    def migration_name(self) -> str:
        """Return what the command line calls this migration: stack and construct path."""
        return self._resources.name

    @property
    def state_machine(self) -> sfn.IStateMachine:
        """Return the state machine; a migration starts with StartExecution and `{}`."""
        return self._migrate.state_machine

    @property
    def change_queue(self) -> sqs.Queue:
        """Return the FIFO queue between StreamProcessor and WriteCdc."""
        return self._resources.change_queue

    @property
    def dead_letter_queue(self) -> sqs.Queue:
        """Return the queue of the changes that WriteCdc gave up on."""
        return self._resources.dead_letter_queue

    @property
    def reverse_change_queue(self) -> sqs.Queue | None:
        """Return the queue of changes on their way back to the source; None without `rollback_window`."""
        return self._resources.reverse.resources.change_queue if self._resources.reverse else None

    @property
    def reverse_dead_letter_queue(self) -> sqs.Queue | None:
        """Return the queue of the changes that ReverseWriteCdc gave up on; None without `rollback_window`."""
        return self._resources.reverse.resources.dead_letter_queue if self._resources.reverse else None

    @property
    def reverse_stream_processor(self) -> lambda_.Function | None:
        """Return the function that captures the destination's changes; None without `rollback_window`."""
        return self._resources.reverse.stream_processor.function if self._resources.reverse else None

    @property
    def reverse_write_cdc(self) -> lambda_.Function | None:
        """Return the function that applies changes to the source; None without `rollback_window`."""
        return self._resources.reverse.write_cdc.function if self._resources.reverse else None

    @property
    def control_table(self) -> dynamodb.Table:
        """Return the table of control record, watermarks, checkpoints and parked keys."""
        return self._resources.control_table

    @property
    def migration_bucket(self) -> s3.Bucket:
        """Return the bucket of exports and reports."""
        return self._resources.bucket

    @property
    def log_group(self) -> logs.LogGroup:
        """Return the log group of functions and state machine; Glue's jobs have Glue's own."""
        return self._resources.log_group

    @property
    def setup_check(self) -> lambda_.Function:
        """Return the function that looks before anything is created."""
        return self._setup_check.function

    @property
    def stream_processor(self) -> lambda_.Function:
        """Return the function that captures changes."""
        return self._stream_processor.function

    @property
    def enable_trigger(self) -> lambda_.Function:
        """Return the function behind the states from StartCapture to Repair, and StartReverseCapture."""
        return self._enable_trigger.function

    @property
    def write_cdc(self) -> lambda_.Function:
        """Return the function that applies changes."""
        return self._write_cdc.function

    @property
    def cut_over(self) -> lambda_.Function:
        """Return the function behind the states from ReadyToCutOver on, and `ddb-migration complete`."""
        return self._cut_over.function

    @property
    def clean_up(self) -> lambda_.Function:
        """Return the function that ends a migration."""
        return self._clean_up.function

    @property
    def reread(self) -> lambda_.Function:
        """Return the function behind `ddb-migration reread`, `accept`, `pause`, `resume` and `rate`."""
        return self._reread.function

    @property
    def alarms(self) -> Sequence[cloudwatch.Alarm]:
        """Return the alarms; docs/alarms.md tells of each."""
        return tuple(self._alarms.all)

    @property
    def dashboard(self) -> cloudwatch.Dashboard:
        """Return the dashboard, which all migrations of a stack share."""
        return MigrationDashboard.of(self._stack).dashboard

    @property
    def direct_migration_job_name(self) -> str:
        """Return the name of the Glue job that copies by Scan."""
        return self._direct_job.job_name

    @property
    def large_migration_job_name(self) -> str:
        """Return the name of the Glue job that copies from an export."""
        return self._large_job.job_name

    @property
    def verify_job_name(self) -> str:
        """Return the name of the Glue job that compares the tables."""
        return self._verify_job.job_name

    @property
    def destination_policy_statements(self) -> Sequence[iam.PolicyStatement]:
        """Return what the resource policy of a destination in another account has to allow, role by role.

        For `table.add_to_resource_policy(statement)` in the app that owns the table; deploy this migration first,
        because DynamoDB refuses a policy that names a role which does not exist. Not needed with `destination_role`.
        """
        return self._resources.destination.policy_statements()

    @property
    def destination_role_policy_statements(self) -> Sequence[iam.PolicyStatement]:
        """Return what `destination_role` has to be allowed; a customer's KMS key of the table comes on top."""
        return self._resources.destination.role_policy_statements()

    @property
    def destination_role_principals(self) -> Sequence[iam.IPrincipal]:
        """Return who assumes `destination_role`, for its trust policy."""
        return self._resources.destination.principals()

    def _create_resources(
        self,
        path: str,
        source: TableFacts,
        destination: Destination,
        retention: Duration,
        encryption_key: kms.IKey | None,
        notification_topic: sns.ITopic | None,
        removal_policy: RemovalPolicy,
    ) -> Resources:
        permit_logs(self, encryption_key)
        stack = StackFacts.of(self._stack)
        queue = ChangeQueue(self, "ChangeQueue", retention=retention, encryption_key=encryption_key)
        return Resources(
            name=stack.name_of(path),
            stack=stack,
            source=source,
            destination=destination,
            control_table=ControlTable(
                self, "ControlTable", encryption_key=encryption_key, removal_policy=removal_policy
            ).table,
            change_queue=queue.queue,
            change_queue_url=queue.queue_url,
            dead_letter_queue=queue.dead_letter_queue,
            dead_letter_queue_url=queue.dead_letter_queue_url,
            bucket=MigrationBucket(
                self, "MigrationBucket", encryption_key=encryption_key, removal_policy=removal_policy
            ).bucket,
            log_group=log_group(
                self,
                "Logs",
                stack_name=stack.stack_name,
                path=stack.path_of(path),
                encryption_key=encryption_key,
                removal_policy=removal_policy,
            ),
            encryption_key=encryption_key,
            notification_topic=notification_topic,
        )

    def _create_functions(self, settings: Settings, retention: Duration) -> None:
        resources = self._resources
        security = security_configuration(self, resources)
        self._stream_processor = StreamProcessor(self, "StreamProcessor", resources=resources)
        self._write_cdc = WriteCdc(
            self, "WriteCdc", resources=resources, retention_seconds=settings.change_retention_seconds
        )
        if settings.rollback_window_seconds is not None:
            seconds = settings.change_retention_seconds
            reverse = ReversePath(self, resources=resources, retention=retention, retention_seconds=seconds)
            resources = self._resources = replace(resources, reverse=reverse)
        self._reread = Reread(self, "Reread", resources=resources, write_cdc=self._write_cdc)
        self._direct_job = DirectMigrationJob(
            self, "DirectMigrationJob", resources=resources, settings=settings, security_configuration=security
        )
        self._large_job = LargeMigrationJob(
            self, "LargeMigrationJob", resources=resources, settings=settings, security_configuration=security
        )
        self._verify_job = VerifyJob(
            self, "VerifyJob", resources=resources, settings=settings, security_configuration=security
        )

    def _create_steering(self, settings: Settings) -> None:
        """Create the functions behind the states, and what ends it all."""
        resources = self._resources
        self._setup_check = SetupCheck(
            self,
            "SetupCheck",
            resources=resources,
            settings=settings,
            stream_processor=self._stream_processor,
            write_cdc=self._write_cdc,
            direct_job=self._direct_job,
            large_job=self._large_job,
            verify_job=self._verify_job,
        )
        self._enable_trigger = EnableTrigger(
            self,
            "EnableTrigger",
            resources=resources,
            settings=settings,
            stream_processor=self._stream_processor,
            write_cdc=self._write_cdc,
            direct_job=self._direct_job,
            large_job=self._large_job,
        )
        self._cut_over = CutOver(
            self,
            "CutOver",
            resources=resources,
            settings=settings,
            stream_processor=self._stream_processor,
            write_cdc=self._write_cdc,
        )
        self._clean_up = CleanUp(
            self,
            "CleanUp",
            resources=resources,
            stream_processor=self._stream_processor,
            write_cdc=self._write_cdc,
            jobs=[self._direct_job, self._large_job, self._verify_job],
            fence_source_writes=settings.fence_source_writes,
        )

    def _create_state_machine(self) -> None:
        self._migrate = Migrate(
            self,
            "Migrate",
            setup_check=self._setup_check,
            enable_trigger=self._enable_trigger,
            cut_over=self._cut_over,
            direct_job=self._direct_job,
            large_job=self._large_job,
            verify_job=self._verify_job,
            resources=self._resources,
            tags=self._tags(),
        )
        CfnOutput(self, "StateMachineArn", value=self._migrate.state_machine_arn)
        ExecutionAccess(
            self,
            "ExecutionAccess",
            stack=self._resources.stack,
            state_machine_name=self._migrate.state_machine_name,
            describe=[self._setup_check.role, self._enable_trigger.role],
            stop=self._clean_up.role,
        )

    def _create_alarms(self, settings: Settings, topic: sns.ITopic | None) -> None:
        name, seconds = self._resources.name, settings.change_retention_seconds
        if topic is not None:
            permit_alarms(topic, self._resources.stack.account)
        self._alarms = Alarms(
            self,
            "Alarms",
            migration=self,
            name=name,
            retention_seconds=seconds,
            topic=topic,
            can_roll_back=self._resources.reverse is not None,
        )
        MigrationDashboard.of(self._stack).add(self._resources, self._stream_processor, self._alarms)

    def _tags(self) -> dict[str, str]:
        """Tell the command line where the parts of the migration are."""
        return {
            names.TAG_NAME: self._resources.name,
            names.TAG_SOURCE: self._resources.source_arn,
            names.TAG_DESTINATION: self._resources.destination.table_arn,
            names.TAG_CONTROL_TABLE: self._resources.control_table_name,
            names.TAG_CLEAN_UP: self._clean_up.function_name,
            names.TAG_CHANGE_QUEUE: self._resources.change_queue_url,
            names.TAG_DEAD_LETTER_QUEUE: self._resources.dead_letter_queue_url,
            names.TAG_REREAD: self._reread.function_name,
            names.TAG_VERIFY_JOB: self._verify_job.job_name,
            names.TAG_BUCKET: self._resources.bucket_name,
            names.TAG_CUT_OVER: self._cut_over.function_name,
            **self._reverse_tags(),
        }

    def _reverse_tags(self) -> dict[str, str]:
        if self._resources.reverse is None:
            return {}
        reverse = self._resources.reverse.resources
        return {
            names.TAG_REVERSE_CHANGE_QUEUE: reverse.change_queue_url,
            names.TAG_REVERSE_DEAD_LETTER_QUEUE: reverse.dead_letter_queue_url,
        }


def _resources_but(constructs: Sequence[IConstruct], part: Construct, next_part: Construct) -> list[CfnResource]:
    """Return the resources among a tree's constructs without those of a part, which stand before the part behind it."""
    first, end = constructs.index(part), constructs.index(next_part)
    others = [*constructs[:first], *constructs[end:]]
    return [found for found in others if isinstance(found, CfnResource)]


def _key_arn(table: TableFacts) -> str | None:
    return table.encryption_key.key_arn if table.encryption_key else None
