"""The role of a function, a job or the state machine, with its rights inside itself."""

from __future__ import annotations

import functools

from aws_cdk import PhysicalName
from aws_cdk import aws_iam as iam
from constructs import Construct


class MigrationRole(iam.Role):
    """A role whose statements are a policy of its own resource, whoever adds them and however late.

    The CDK's default policy is a resource beside the role: one more for each role, and what uses the role must be
    told to wait for it. Here who has the role has its rights. What names something that needs the role must
    therefore stay out of it: that is a policy beside the role (see `ExecutionAccess`).
    """

    def __init__(
        self, scope: Construct, id: str, *, service: str | None = None, caller: iam.IRole | None = None
    ) -> None:
        """Create the role for a service (`lambda`, `glue` or `states`), or for another role to assume."""
        # Rendered with the template, so that it holds what is added after this.
        self.rights = iam.PolicyDocument()
        super().__init__(
            scope,
            id,
            assumed_by=iam.ServicePrincipal(f"{service}.amazonaws.com") if caller is None else _only(caller),
            inline_policies={"Rights": self.rights},
            # A name only where another account's or Region's template refers to the role.
            role_name=_when_needed(),
        )

    def add_to_principal_policy(self, statement: iam.PolicyStatement) -> iam.AddToPrincipalPolicyResult:
        """Add a statement to the role's own policy; every grant of the CDK comes here."""
        self.rights.add_statements(statement)
        return iam.AddToPrincipalPolicyResult(statement_added=True, policy_dependable=self)


def _only(role: iam.IRole) -> iam.IPrincipal:
    return iam.ArnPrincipal(role.role_arn)


@functools.cache
def _when_needed() -> str:
    return str(PhysicalName.GENERATE_IF_NEEDED)
