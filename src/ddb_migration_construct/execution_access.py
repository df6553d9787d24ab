"""Access to the executions of the migration's own state machine.

It is a policy of its own: the state machine names the functions, so what names the state machine must not be
part of the functions' roles as CloudFormation orders them.
"""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct


class ExecutionAccess(Construct):
    """Lets roles describe, and one of them stop, the executions of a state machine."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        state_machine: sfn.StateMachine,
        describe: Sequence[iam.IRole],
        stop: iam.IRole,
    ) -> None:
        """Attach the policies."""
        super().__init__(scope, id)
        executions = Stack.of(self).format_arn(
            service="states",
            resource="execution",
            resource_name=f"{state_machine.state_machine_name}:*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        for name, action, roles in (
            ("Describe", "states:DescribeExecution", [*describe, stop]),
            ("Stop", "states:StopExecution", [stop]),
        ):
            iam.Policy(
                self,
                name,
                roles=roles,
                statements=[iam.PolicyStatement(actions=[action], resources=[executions])],
            )
