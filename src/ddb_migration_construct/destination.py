"""The destination as the migration's roles reach it: by its ARN, or as a role that is assumed for it."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam

from ddb_migration_construct._runtime import names
from ddb_migration_construct.migration_role import MigrationRole
from ddb_migration_construct.stack_facts import StackFacts
from ddb_migration_construct.table_access import allow_destination, allow_reading
from ddb_migration_construct.table_facts import TableFacts


@dataclass(frozen=True)
class Caller:
    """A box of the migration that calls the destination, and what it does there (`dynamodb:` left out)."""

    title: str
    role: MigrationRole
    actions: tuple[str, ...]


class Destination:
    """Gives roles their rights to the destination, and remembers them for the side that the construct does not own."""

    def __init__(self, table: dynamodb.ITable, role: iam.IRole | str | None) -> None:
        """Reach `table` as `role` (or its ARN), or by the table's own ARN where that is None."""
        self.facts = TableFacts(table)
        self.role_arn = role.role_arn if role is not None and not isinstance(role, str) else role
        self._callers: list[Caller] = []

    @property
    def table(self) -> dynamodb.ITable:
        """Return the table."""
        return self.facts.table

    @property
    def table_arn(self) -> str:
        """Return the table's ARN."""
        return self.facts.arn

    @property
    def role_argument(self) -> str:
        """Return what a job is told of the role."""
        return self.role_arn or names.NO_ROLE

    @property
    def environment(self) -> dict[str, str]:
        """Return what a function is told: the table, and the role if there is one."""
        told = {names.DESTINATION_TABLE: self.facts.arn}
        return {**told, names.DESTINATION_ROLE: self.role_arn} if self.role_arn else told

    def allow_writing(self, title: str, role: MigrationRole, *actions: str) -> None:
        """Let a role do these `dynamodb:` actions on the destination, and encrypt what they write."""
        if not self._through_role(title, role, actions):
            allow_destination(role, self.facts, *actions)

    def allow_reading(self, title: str, role: MigrationRole, *actions: str) -> None:
        """Let a role do these `dynamodb:` actions on the destination, and decrypt what they read."""
        if not self._through_role(title, role, actions):
            allow_reading(role, self.facts, *actions)

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
        return [iam.PolicyStatement(sid="DdbMigration", actions=actions, resources=[self.facts.arn])]

    def principals(self) -> list[iam.IPrincipal]:
        """Return the roles that call the destination."""
        return [iam.ArnPrincipal(caller.role.role_arn) for caller in self._callers]

    def callers_text(self, stack: StackFacts) -> str:
        """Return the callers as JSON, for SetupCheck to name what a policy lacks."""
        told = {caller.title: [caller.role.role_arn, " ".join(caller.actions)] for caller in self._callers}
        return stack.stack.to_json_string(told)

    def may_be_elsewhere(self, stack: StackFacts) -> bool:
        """Tell whether the table belongs to another account than the stack, as far as that is known."""
        return self.facts.account != stack.account

    def _through_role(self, title: str, role: MigrationRole, actions: tuple[str, ...]) -> bool:
        self._callers.append(Caller(title, role, actions))
        if self.role_arn is None:
            return False
        role.allow(["sts:AssumeRole"], [self.role_arn])
        return True
