"""Rights for the people and pipelines that run a migration: to start it, to operate it, to read how it is."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from ddb_migration_construct._runtime import names
from ddb_migration_construct.migrate import Migrate
from ddb_migration_construct.resources import Resources
from ddb_migration_construct.verify_job import VerifyJob

# The partition of the control record in the control table.
_CONTROL_RECORD = "migration"


class MigrationGrants:
    """The `grant_*` methods of the construct; none gives a right to either table."""

    _resources: Resources
    _migrate: Migrate
    _verify_job: VerifyJob

    # The construct has these; they stand here for what the methods below take of it.

    @property
    def clean_up(self) -> lambda_.Function:
        """Return the function that ends a migration."""
        raise NotImplementedError

    @property
    def reread(self) -> lambda_.Function:
        """Return the function behind the commands that steer a migration."""
        raise NotImplementedError

    @property
    def cut_over(self) -> lambda_.Function:
        """Return the function behind `ddb-migration cut-over` and `complete`."""
        raise NotImplementedError

    def grant_start(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let somebody start the migration, and go on with one that stopped.

        `ddb-migration start` looks at the migration first: give `grant_read` too.
        """
        return _give(grantee, ["states:StartExecution"], [self._migrate.state_machine_arn])

    def grant_operate(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let somebody steer the migration from its start to its end, and read.

        That is: pause, resume, set rates, have keys read again, accept parked ones, verify, cut over (which may deny
        writes to the source), roll back, complete, abort.
        All of that is done by functions and a job of the migration, which may do no more than their own roles; the
        operator needs no right to queues, mappings or your tables. A cut-over is an answer to the state machine; that
        of several migrations together is one transaction over their control records.
        """
        functions = [self.reread.function_arn, self.clean_up.function_arn, self.cut_over.function_arn]
        verify = _give(grantee, ["glue:StartJobRun", "glue:GetJobRun"], [self._verify_job.job_arn])
        answer = _give(grantee, ["states:SendTaskSuccess"], [self._migrate.state_machine_arn])
        lead = iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["dynamodb:UpdateItem"],
            resource_arns=[self._resources.control_table_arn],
            conditions={"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [_CONTROL_RECORD]}},
        )
        call = _give(grantee, ["lambda:InvokeFunction"], functions)
        return _both(call, verify, answer, lead, self.grant_read(grantee))

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let somebody see what `ddb-migration list`, `status` and `report` show: counts, reasons, and parked keys."""
        grants = [
            self._find(grantee),
            self._follow(grantee),
            self._read_control_table(grantee),
            self._read_reports(grantee),
            # For the charts of the report; CloudWatch takes no resource for it.
            _give(grantee, ["cloudwatch:GetMetricData"], ["*"]),
        ]
        key = self._resources.encryption_key
        return _both(*grants, *([key.grant_decrypt(grantee)] if key else []))

    def _find(self, grantee: iam.IGrantable) -> iam.Grant:
        """Migrations are found by the tags of all state machines; listing them takes no resource."""
        machines = self._resources.stack.arn("states", "stateMachine:*")
        tags = _give(grantee, ["states:ListTagsForResource"], [machines])
        return _both(_give(grantee, ["states:ListStateMachines"], ["*"]), tags)

    def _follow(self, grantee: iam.IGrantable) -> iam.Grant:
        machine, resources = self._migrate, self._resources
        executions = resources.stack.arn("states", f"execution:{machine.state_machine_name}:*")
        paths = [resources, *([resources.reverse.resources] if resources.reverse else [])]
        queues = [arn for path in paths for arn in (path.change_queue_arn, path.dead_letter_queue_arn)]
        return _both(
            _give(grantee, ["states:ListExecutions"], [machine.state_machine_arn]),
            # Where it is, and what it waits for, only the history tells.
            _give(grantee, ["states:DescribeExecution", "states:GetExecutionHistory"], [executions]),
            _give(grantee, ["sqs:GetQueueAttributes"], queues),
        )

    def _read_control_table(self, grantee: iam.IGrantable) -> iam.Grant:
        table = self._resources.control_table_arn
        rows = _give(grantee, ["dynamodb:GetItem", "dynamodb:Query"], [table])
        return _both(rows, _give(grantee, ["dynamodb:Query"], [f"{table}/index/{names.PARKED_INDEX}"]))

    def _read_reports(self, grantee: iam.IGrantable) -> iam.Grant:
        """The reports only: exports in the same bucket hold items.

        Without the right to list, S3 answers AccessDenied where an object is not there; a GetObject has no prefix.
        """
        bucket = self._resources.bucket
        listed = iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["s3:ListBucket"],
            resource_arns=[bucket.bucket_arn],
            conditions={"StringLikeIfExists": {"s3:prefix": f"{names.VERIFY_PREFIX}*"}},
        )
        return _both(_give(grantee, ["s3:GetObject"], [bucket.arn_for_objects(f"{names.VERIFY_PREFIX}*")]), listed)


def _give(grantee: iam.IGrantable, actions: Sequence[str], resources: Sequence[str]) -> iam.Grant:
    return iam.Grant.add_to_principal(grantee=grantee, actions=list(actions), resource_arns=list(resources))


def _both(first: iam.Grant, *others: iam.Grant) -> iam.Grant:
    for other in others:
        first = first.combine(other)
    return first
