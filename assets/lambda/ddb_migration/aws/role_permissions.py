"""What a role may do, as IAM's policy simulator tells without the role being assumed or anything being called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

from ddb_migration.aws.errors import code
from ddb_migration.aws.probe import DENIED


class RolePermissions:
    """The simulator: identity policies, permissions boundary and service control policies of a role.

    It leaves out resource policies, those of keys among them (IAM API, SimulatePrincipalPolicy).
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def missing(self, role_arn: str, actions: Sequence[str], resource: str) -> list[str] | None:
        """Return a denial for each action that the role may not do to a resource.

        None where the simulator itself is denied, so that nothing is known.
        """
        try:
            answer = self._client.simulate_principal_policy(
                PolicySourceArn=role_arn, ActionNames=list(actions), ResourceArns=[resource]
            )
        except ClientError as error:
            if code(error) not in DENIED:
                raise
            return None
        return [_denial(role_arn, found, resource) for found in answer["EvaluationResults"] if not _allowed(found)]


def _allowed(found: dict[str, Any]) -> bool:
    return bool(found["EvalDecision"] == "allowed")


def _denial(role_arn: str, found: dict[str, Any], resource: str) -> str:
    """Word it as the services do when they deny a call."""
    why = " with an explicit deny in a policy" if found["EvalDecision"] == "explicitDeny" else ""
    return f"{role_arn} is not authorized to perform: {found['EvalActionName']} on resource: {resource}{why}"
