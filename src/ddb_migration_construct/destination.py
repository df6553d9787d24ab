"""The destination as the migration's roles reach it: by its ARN, or as a role that is assumed for it."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Arn, ArnFormat, Stack, Token
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import IConstruct

from ddb_migration_construct._runtime import names
from ddb_migration_construct.table_access import allow_destination, allow_reading


@dataclass(frozen=True)
class Caller:
    """A box of the migration that calls the destination, and what it does there (`dynamodb:` left out)."""

    title: str
    role: iam.Role
    actions: tuple[str, ...]


class Destination:
    """Gives roles their rights to the destination, and remembers them for the side that the construct does not own."""

    def __init__(self, table: dynamodb.ITable, role: iam.IRole | str | None) -> None:
        """Reach `table` as `role` (or its ARN), or by the table's own ARN where that is None."""
        self.table = table
        self.role_arn = role.role_arn if role is not None and not isinstance(role, str) else role
        self._callers: list[Caller] = []

    @property
    def role_argument(self) -> str:
        """Return what a job is told of the role."""
        return self.role_arn or names.NO_ROLE

    @property
    def environment(self) -> dict[str, str]:
        """Return what a function is told: the table, and the role if there is one."""
        told = {names.DESTINATION_TABLE: self.table.table_arn}
        return {**told, names.DESTINATION_ROLE: self.role_arn} if self.role_arn else told

    def allow_writing(self, title: str, role: iam.Role, *actions: str) -> None:
        """Let a role do these `dynamodb:` actions on the destination, and encrypt what they write."""
        if not self._through_role(title, role, actions):
            allow_destination(role, self.table, *actions)

    def allow_reading(self, title: str, role: iam.Role, *actions: str) -> None:
        """Let a role do these `dynamodb:` actions on the destination, and decrypt what they read."""
        if not self._through_role(title, role, actions):
            allow_reading(role, self.table, *actions)

    def policy_statements(self) -> list[iam.PolicyStatement]:
        """Return what the resource policy of a table of another account has to allow: exactly what the roles do."""
        # `*` is the table that the policy belongs to; its own ARN in its own template would be a circle.
        return [
            iam.PolicyStatement(
                sid=caller.title,
                principals=[iam.ArnPrincipal(caller.role.role_arn)],
                actions=[f"dynamodb:{action}" for action in caller.actions],
                resources=["*"],
            )
            for caller in self._callers
        ]

    def role_policy_statements(self) -> list[iam.PolicyStatement]:
        """Return what `destination_role` has to be allowed: what all the roles do together."""
        actions = sorted({f"dynamodb:{action}" for caller in self._callers for action in caller.actions})
        return [iam.PolicyStatement(sid="DdbMigration", actions=actions, resources=[self.table.table_arn])]

    def principals(self) -> list[iam.IPrincipal]:
        """Return the roles that call the destination."""
        return [iam.ArnPrincipal(caller.role.role_arn) for caller in self._callers]

    def callers_text(self, scope: IConstruct) -> str:
        """Return the callers as JSON, for SetupCheck to name what a policy lacks."""
        told = {caller.title: [caller.role.role_arn, " ".join(caller.actions)] for caller in self._callers}
        return Stack.of(scope).to_json_string(told)

    def may_be_elsewhere(self, scope: IConstruct) -> bool:
        """Tell whether the table belongs to another account than the stack, as far as that is known."""
        return part(self.table, "account") != Stack.of(scope).account

    def _through_role(self, title: str, role: iam.Role, actions: tuple[str, ...]) -> bool:
        self._callers.append(Caller(title, role, actions))
        if self.role_arn is None:
            return False
        role.add_to_principal_policy(iam.PolicyStatement(actions=["sts:AssumeRole"], resources=[self.role_arn]))
        return True


def part(table: dynamodb.ITable, name: str) -> str:
    """Return Region or account of a table's ARN; the `env` of an imported table may be the importing stack's."""
    stated: str | None = getattr(Arn.split(table.table_arn, ArnFormat.SLASH_RESOURCE_NAME), name)
    environment: str = getattr(table.env, name)
    return stated if stated and not Token.is_unresolved(stated) else environment
