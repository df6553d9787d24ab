"""Migrate: the state machine of one migration."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from ddb_migration_construct.bulk_load_job import BulkLoadJob
from ddb_migration_construct.definition import Called, definition
from ddb_migration_construct.glue_job import GlueJob
from ddb_migration_construct.migration_function import MigrationFunction
from ddb_migration_construct.migration_role import MigrationRole
from ddb_migration_construct.resources import Resources
from ddb_migration_construct.verify_job import VerifyJob

# Step Functions guide, "Logging using CloudWatch Logs" and "X-Ray tracing": neither knows a resource.
_LOG_DELIVERY = ("CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery", "ListLogDeliveries")
_LOG_POLICIES = ("PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups")
_TRACING = ("PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets")
# Step Functions guide, "Run a job": what `.sync` asks for.
_RUN_JOB = ("StartJobRun", "GetJobRun", "GetJobRuns", "BatchStopJobRun")


class Migrate(Construct):
    """The state machine of one migration; its input is `{}`."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        setup_check: MigrationFunction,
        enable_trigger: MigrationFunction,
        cut_over: MigrationFunction,
        direct_job: BulkLoadJob,
        large_job: BulkLoadJob,
        verify_job: VerifyJob,
        resources: Resources,
        tags: Mapping[str, str],
    ) -> None:
        """Create the state machine; by its tags the command line finds what belongs to it."""
        super().__init__(scope, id)
        called = Called(
            partition=resources.stack.partition,
            setup_check=setup_check.function_arn,
            enable_trigger=enable_trigger.function_arn,
            cut_over=cut_over.function_arn,
            direct_job=direct_job.job_name,
            large_job=large_job.job_name,
            verify_job=verify_job.job_name,
            can_roll_back=resources.reverse is not None,
        )
        self._role = MigrationRole(self, "StateMachineRole", service="states")
        self._allow([setup_check, enable_trigger], [direct_job, large_job, verify_job], [cut_over])
        # As the CDK's StateMachine names its resource; that class would tag it one call at a time.
        self._resource = sfn.CfnStateMachine(
            Construct(self, "StateMachine"),
            "Resource",
            role_arn=self._role.role_arn,
            definition_string=definition(called),
            tracing_configuration=sfn.CfnStateMachine.TracingConfigurationProperty(enabled=True),
            logging_configuration=_logging(resources.log_group_arn),
            tags=[sfn.CfnStateMachine.TagsEntryProperty(key=key, value=value) for key, value in tags.items()],
        )

    @functools.cached_property
    def state_machine(self) -> sfn.IStateMachine:
        """Return the state machine."""
        return sfn.StateMachine.from_state_machine_arn(self, "Imported", self.state_machine_arn)

    @functools.cached_property
    def state_machine_arn(self) -> str:
        """Return the state machine's ARN."""
        return self._resource.ref

    @property
    def state_machine_name(self) -> str:
        """Return the state machine's name."""
        return self._resource.attr_name

    def _allow(
        self,
        first: Sequence[MigrationFunction],
        jobs: Sequence[GlueJob],
        last: Sequence[MigrationFunction],
    ) -> None:
        """Let the states do what they are there for, and the state machine log and trace."""
        self._allow_invoking(first)
        for job in jobs:
            self._role.allow([f"glue:{action}" for action in _RUN_JOB], [job.job_arn])
        self._allow_invoking(last)
        self._role.allow([f"logs:{action}" for action in (*_LOG_DELIVERY, *_LOG_POLICIES)], ["*"])
        self._role.allow([f"xray:{action}" for action in _TRACING], ["*"])

    def _allow_invoking(self, functions: Sequence[MigrationFunction]) -> None:
        for function in functions:
            self._role.allow(["lambda:InvokeFunction"], [function.function_arn, f"{function.function_arn}:*"])


def _logging(log_group: str) -> sfn.CfnStateMachine.LoggingConfigurationProperty:
    """Return where executions are logged, without what the states are given and answer."""
    machine = sfn.CfnStateMachine
    group = machine.CloudWatchLogsLogGroupProperty(log_group_arn=log_group)
    destination = machine.LogDestinationProperty(cloud_watch_logs_log_group=group)
    return machine.LoggingConfigurationProperty(destinations=[destination], include_execution_data=False, level="ALL")
