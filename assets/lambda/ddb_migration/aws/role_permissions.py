"""What a role may do, as IAM's policy simulator tells without the role being assumed or anything being called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from ddb_migration import names
from ddb_migration.aws.errors import code
from ddb_migration.aws.probe import DENIED

Found = Mapping[str, Any]

# IAM API, SimulatePrincipalPolicy, errors: the simulator may not be asked, or cannot judge what it is asked.
_NO_ANSWER = DENIED | {"InvalidInput", "PolicyEvaluation"}


class RolePermissions:
    """The simulator: identity policies, permissions boundary and service control policies of a role.

    It leaves out resource policies, those of keys among them (IAM API, SimulatePrincipalPolicy). What conditions ask of
    a request it has to be told. Of what it is not told, the organization or the network that a call comes from, it
    decides as if the request had none, so such a denial is no proof that AWS would deny.
    """

    def __init__(self, client: Any, region: str) -> None:
        """Ask through an IAM client; `region` is where the role calls services."""
        self._client = client
        self._region = region

    def missing(self, role_arn: str, actions: Sequence[str], resource: str) -> list[str] | None:
        """Return a denial for each action that the role may not do to a resource; an unsure one is in the log only.

        None where the simulator is denied or cannot judge, so that nothing is known.
        """
        try:
            answer = self._client.simulate_principal_policy(
                PolicySourceArn=role_arn,
                ActionNames=list(actions),
                ResourceArns=[resource],
                ContextEntries=self._context(role_arn),
            )
        except ClientError as error:
            if code(error) not in _NO_ANSWER:
                raise
            return None
        denied = [found for found in answer["EvaluationResults"] if found["EvalDecision"] != "allowed"]
        for found in denied:
            if _is_unsure(found):
                print(f"{_denial(role_arn, found, resource)}; {_UNSURE}")
        return [_denial(role_arn, found, resource) for found in denied if not _is_unsure(found)]

    def _context(self, role_arn: str) -> list[dict[str, Any]]:
        """Return what is known of every call that a job makes, and of the conditions of its own role."""
        texts = {
            "aws:PrincipalArn": role_arn,
            "aws:PrincipalAccount": role_arn.split(":")[4],
            "aws:PrincipalType": "AssumedRole",
            "aws:RequestedRegion": self._region,
            "cloudwatch:namespace": names.METRIC_NAMESPACE,
        }
        truths = {"aws:SecureTransport": "true", "aws:ViaAWSService": "false", "aws:PrincipalIsAWSService": "false"}
        return [*_entries(texts, "string"), *_entries(truths, "boolean")]


_UNSURE = (
    "so says IAM's simulator, which does not know all that a condition, a service control policy or a resource policy "
    "of another account goes by; if it is right the job fails, and says so"
)


def _entries(values: Mapping[str, str], kind: str) -> Iterator[dict[str, Any]]:
    for key, value in values.items():
        yield {"ContextKeyName": key, "ContextKeyType": kind, "ContextKeyValues": [value]}


def _is_unsure(found: Found) -> bool:
    """Tell whether the simulator lacked something by which AWS may decide otherwise (IAM API, EvaluationResult).

    A key that it was not told; of a service control policy it does not say which. The resource policy of another
    account, without which nothing is allowed there, and which the simulator takes for users only.
    """
    parts = (found, *found.get("ResourceSpecificResults", []))
    by_organization = found.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations") is False
    is_elsewhere = found["EvalDecision"] == "implicitDeny" and any(part.get("EvalDecisionDetails") for part in parts)
    return by_organization or is_elsewhere or any(part.get("MissingContextValues") for part in parts)


def _denial(role_arn: str, found: Found, resource: str) -> str:
    """Word it as the services do when they deny a call."""
    why = " with an explicit deny in a policy" if found["EvalDecision"] == "explicitDeny" else ""
    return f"User: {role_arn} is not authorized to perform: {found['EvalActionName']} on resource: {resource}{why}"
