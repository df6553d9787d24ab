"""The role of a function, a job or the state machine, with its rights inside itself."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import PhysicalName
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct

from ddb_migration_construct.stack_facts import service_principal

Statement = dict[str, Any]


class MigrationRole(iam.Role):
    """A role whose statements are a policy of its own resource, whoever adds them and however late.

    The CDK's default policy is a resource beside the role: one more for each role, and what uses the role must be
    told to wait for it. Here who has the role has its rights. What names something that needs the role must
    therefore stay out of it: that is a policy beside the role (see `ExecutionAccess`).

    The statements are kept here and given to the resource once, by `write_rights`.
    """

    def __init__(
        self, scope: Construct, id: str, *, service: str | None = None, caller: iam.IRole | None = None
    ) -> None:
        """Create the role for a service (`lambda`, `glue` or `states`), or for another role to assume."""
        self.statements: list[Statement] = []
        self._resource: iam.CfnRole | None = None
        self._is_made_elsewhere = False
        super().__init__(
            scope,
            id,
            assumed_by=_only(caller) if caller is not None else service_principal(str(service)),
            # A name only where another account's or Region's template refers to the role.
            role_name=_when_needed(),
        )

    def allow(
        self, actions: Sequence[str], resources: Sequence[str], conditions: Mapping[str, object] | None = None
    ) -> None:
        """Add one statement."""
        self._add(statement(actions, resources, conditions))

    def add_to_principal_policy(self, statement: iam.PolicyStatement) -> iam.AddToPrincipalPolicyResult:
        """Add a statement to the role's own policy; every grant of the CDK comes here."""
        self._add(statement.to_json())
        return iam.AddToPrincipalPolicyResult(statement_added=True, policy_dependable=self)

    def write_to(self, resource: iam.CfnRole) -> None:
        """Write the statements into the role's resource, now and whenever one is added."""
        self._resource = resource
        self._write()

    def report(self) -> None:
        """Give the statements, now and whenever one is added, to the report for whoever makes the app's roles."""
        self._is_made_elsewhere = True
        for one in self.statements:
            self._report(one)

    def _add(self, added: Statement) -> None:
        self.statements.append(added)
        self._write()
        if self._is_made_elsewhere:
            self._report(added)

    def _report(self, one: Statement) -> None:
        super().add_to_principal_policy(iam.PolicyStatement.from_json(one))

    def _write(self) -> None:
        if self._resource is not None and self.statements:
            document = {"Statement": self.statements, "Version": "2012-10-17"}
            rights = iam.CfnRole.PolicyProperty(policy_name="Rights", policy_document=document)
            self._resource.policies = [rights]


def write_rights(constructs: Sequence[IConstruct]) -> None:
    """Write the statements of all roles among these constructs, each of which is followed by its resource.

    One without a resource is made by others (`iam.Role.customize_roles`), who go by the CDK's report.
    """
    left: list[MigrationRole] = []
    for found in constructs:
        if isinstance(found, MigrationRole):
            left.append(found)
        elif isinstance(found, iam.CfnRole) and left:
            left.pop().write_to(found)
    for role in left:
        role.report()


def statement(
    actions: Sequence[str], resources: Sequence[str], conditions: Mapping[str, object] | None = None
) -> Statement:
    """Return a statement that allows; one action or resource is written without a list, as the CDK does."""
    allowed: Statement = {"Action": _one_or_all(actions), "Effect": "Allow", "Resource": _one_or_all(resources)}
    return {**allowed, "Condition": dict(conditions)} if conditions else allowed


def _one_or_all(values: Sequence[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else list(values)


def _only(role: iam.IRole) -> iam.IPrincipal:
    return iam.ArnPrincipal(role.role_arn)


@functools.cache
def _when_needed() -> str:
    return str(PhysicalName.GENERATE_IF_NEEDED)
