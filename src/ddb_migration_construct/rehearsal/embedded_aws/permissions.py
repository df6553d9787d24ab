"""Whether a role may do something, asked without doing it."""

from __future__ import annotations

from collections.abc import Iterable

from .clients import root
from .service_roles import role_name
from .settings import ACCOUNT_ID


def refused_actions(role_arn: str, actions: Iterable[str], resource: str) -> list[str]:
    """Those of the actions that the role's policies do not allow on the resource."""
    judged = root["iam"].simulate_principal_policy(
        # MiniStack takes all that follows "role/" for the name, a path included.
        PolicySourceArn=f"arn:aws:iam::{ACCOUNT_ID}:role/{role_name(role_arn)}",
        ActionNames=list(actions),
        ResourceArns=[resource],
    )["EvaluationResults"]
    return [result["EvalActionName"] for result in judged if result["EvalDecision"] != "allowed"]
