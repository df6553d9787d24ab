"""The resource policies of tables: judged for every caller, the account's root too, and changed no faster than on AWS.

Sources: IAM User Guide, "Policy evaluation logic" (a Deny of the resource's policy binds every principal) and
"AWS global condition context keys" (``aws:PrincipalArn`` of a session is the role's ARN); Amazon DynamoDB Developer
Guide, "Resource-based policy considerations" (updates are blocked for 15 s after one).
"IAM security policies with PartiQL for DynamoDB" (a statement is judged by its own action, on its table).
What differs from AWS: a policy is seen everywhere at once; of PartiQL in batches and transactions the first
statement is judged.
"""

from __future__ import annotations

import json
import re
import time
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id
from ministack.services import dynamodb, iam

from .service_roles import role_name
from .services import Request, ServiceError
from .settings import ACCOUNT_ID, REGION, Settings

_BLOCKED_SECONDS = 15.0
_CHANGES = ("PutResourcePolicy", "DeleteResourcePolicy")

_STATEMENT = re.compile(
    r"\s*(SELECT|INSERT|UPDATE|DELETE)\b(?:.*?\b(?:FROM|INTO))?\s+\"?([\w.-]+)", re.IGNORECASE | re.DOTALL
)

_changed: dict[str, float] = {}


def _policy_for(arn: str) -> tuple[str, str] | None:
    table = arn.split("/index/")[0]
    found = dynamodb._resource_policies.get(table)
    return (found["Policy"], table.split(":")[4]) if found else None


def _judge_tables_by_their_policies() -> None:
    dynamodb.table_policy_for_arn = _policy_for
    iam_evaluator._RESOURCE_POLICY_LOOKUPS["dynamodb"] = ("dynamodb", "table_policy_for_arn")


def _partiql(service: str, body: bytes) -> tuple[str, str] | None:
    """Return the action of a PartiQL statement and the ARN of its table."""
    if service != "dynamodb" or b"Statement" not in body:
        return None
    given = json.loads(body)
    text = given.get("Statement") or (given.get("Statements") or given.get("TransactStatements") or [{}])[0]
    found = _STATEMENT.match(text if isinstance(text, str) else text.get("Statement", ""))
    if found is None:
        return None
    action = f"dynamodb:PartiQL{found[1].capitalize()}"
    return action, f"arn:aws:dynamodb:{REGION}:{ACCOUNT_ID}:table/{found[2]}"


def _judge_partiql_by_its_statement() -> None:
    action, resource = iam_actions.extract_iam_action, iam_actions.extract_resource_arn

    def extract_iam_action(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> Any:
        found = _partiql(service, body or b"")
        return found[0] if found else action(service, method, path, headers, body, *rest)

    def extract_resource_arn(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> Any:
        found = _partiql(service, body or b"")
        return found[1] if found else resource(service, method, path, headers, body, *rest)

    iam_actions.extract_iam_action = extract_iam_action
    iam_actions.extract_resource_arn = extract_resource_arn


def _judge_root_too() -> None:
    """MiniStack lets the root pass before it looks at any policy of the resource."""
    original = iam_evaluator.enforce

    def enforce(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        refused = original(access_key_id, iam_action, service, region, resource_arn, service_context)
        if refused is not None or service != "dynamodb":
            return refused
        return _denied_to_root(access_key_id, iam_action, region, resource_arn)

    iam_evaluator.enforce = enforce


def _denied_to_root(access_key_id: str, action: str, region: str, arn: str) -> Any:
    found = _policy_for(arn)
    if found is None:
        return None
    principal: Any = iam_evaluator.resolve_principal(access_key_id, get_account_id())
    if principal.policies is not None:
        return None
    context = iam_evaluator.EvalContext(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=principal.account,
        action=action,
        resource_arn=arn,
        region=region,
        principal_keys=principal.keys,
    )
    judged = iam_evaluator.evaluate_resource_policy(found[0], context)
    if judged.decision != "Deny":
        return None
    judged.principal_arn, judged.resource_policy_arn = principal.arn, arn
    return judged


def _give_role_of_a_session() -> None:
    original = iam_evaluator._resolve_condition_key

    def _resolve_condition_key(key: str, context: Any) -> Any:
        value = original(key, context)
        if key.lower() != "aws:principalarn" or ":assumed-role/" not in str(value):
            return value
        name = str(value).split("/")[1]
        role = iam._roles.get(role_name(name))
        return role["Arn"] if role else value

    iam_evaluator._resolve_condition_key = _resolve_condition_key


def require_unblocked(request: Request, settings: Settings) -> None:
    """Refuse a change of a policy that comes too soon after another; waits are scaled."""
    if request.action not in _CHANGES:
        return
    arn, now = str(request.json().get("ResourceArn")), time.monotonic()
    if now - _changed.get(arn, float("-inf")) < _BLOCKED_SECONDS * settings.wait_scale:
        raise ServiceError("ResourceInUseException", "The policy was changed less than 15 seconds ago.")
    _changed[arn] = now


def install() -> None:
    """Correct these points."""
    _judge_tables_by_their_policies()
    _judge_partiql_by_its_statement()
    _judge_root_too()
    _give_role_of_a_session()
