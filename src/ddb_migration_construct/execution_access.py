"""Access to the executions of the migration's own state machine.

It is a policy of its own: the state machine names the functions, so what names the state machine must not be
part of the functions' roles as CloudFormation orders them.
"""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_iam as iam
from constructs import Construct

from ddb_migration_construct.migration_role import Statement, statement
from ddb_migration_construct.stack_facts import StackFacts


class ExecutionAccess(Construct):
    """Lets roles describe, and one of them stop, the executions of a state machine."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        stack: StackFacts,
        state_machine_name: str,
        describe: Sequence[iam.IRole],
        stop: iam.IRole,
    ) -> None:
        """Attach the policies."""
        super().__init__(scope, id)
        executions = stack.arn("states", f"execution:{state_machine_name}:*")
        RolePolicy(self, "Describe", "states:DescribeExecution", executions, [*describe, stop])
        RolePolicy(self, "Stop", "states:StopExecution", executions, [stop])


class RolePolicy(iam.Policy):
    """One statement beside the roles that it is for."""

    def __init__(self, scope: Construct, id: str, action: str, resource: str, roles: Sequence[iam.IRole]) -> None:
        """Attach the statement."""
        self.statements: list[Statement] = [statement([action], [resource])]
        allowed = iam.PolicyStatement(actions=[action], resources=[resource])
        super().__init__(scope, id, roles=list(roles), statements=[allowed])
