"""Where MiniStack's view of IAM differs from AWS's: actions, resources and the key ``lambda:FunctionArn``.

Sources: Service Authorization Reference, "Actions, resources, and condition keys" for Amazon SQS (there is
no action for the batch calls), for AWS Lambda (``lambda:FunctionArn`` on the event source mapping calls),
for Amazon DynamoDB and AWS Step Functions (resources of streams, exports and tags), and for AWS IAM.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.services import dynamodb_streams, lambda_svc

from .settings import ACCOUNT_ID, REGION

_SINGLE_ACTIONS = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}
_MAPPINGS_PATH = "/event-source-mappings"
_ACTIONS_ON_A_MAPPING = {
    "GET": "lambda:GetEventSourceMapping",
    "PUT": "lambda:UpdateEventSourceMapping",
    "DELETE": "lambda:DeleteEventSourceMapping",
}
_FIELDS_WITH_ARN = {
    "dynamodb": ("TableArn", "ExportArn", "ResourceArn"),
    "dynamodbstreams": ("StreamArn",),
    "states": ("resourceArn",),
}
_MAPPING_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:event-source-mapping:"
_CONDITION_KEY = "lambda:functionarn"


def _function_arn(name_or_arn: str) -> str:
    if name_or_arn.startswith("arn:"):
        return name_or_arn
    return f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{name_or_arn.rsplit(':', 1)[-1]}"


def _judge_calls_by_their_own_action() -> None:
    original = iam_actions.extract_iam_action

    def extract_iam_action(service: str, method: str, path: str, *rest: Any) -> Any:
        names_a_mapping = service == "lambda" and path.rstrip("/").partition(_MAPPINGS_PATH)[2]
        if names_a_mapping and method in _ACTIONS_ON_A_MAPPING:
            return _ACTIONS_ON_A_MAPPING[method]
        action = original(service, method, path, *rest)
        return _SINGLE_ACTIONS.get(action, action)

    iam_actions.extract_iam_action = extract_iam_action


def _arn_in(service: str, body: bytes) -> str | None:
    given = json.loads(body or b"{}")
    for field in _FIELDS_WITH_ARN.get(service, ()):
        if given.get(field):
            return str(given[field])
    if service == "dynamodbstreams" and given.get("ShardIterator"):
        place = dynamodb_streams._decode_iterator(given["ShardIterator"]) or {}
        return str(place.get("arn", "*"))
    return None


def _give_resources_of_streams_exports_and_tags() -> None:
    original = iam_actions.extract_resource_arn

    def extract_resource_arn(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> Any:
        arn = original(service, method, path, headers, body, *rest)
        if arn == "*" and service in _FIELDS_WITH_ARN:
            return _arn_in(service, body) or arn
        return arn

    iam_actions.extract_resource_arn = extract_resource_arn


def _give_role_of_a_simulation() -> None:
    """SimulatePrincipalPolicy is judged by the principal that it asks about."""
    original = iam_actions.extract_resource_arn

    def extract_resource_arn(
        service: str, method: str, path: str, headers: Any, body: bytes, params: Any, *rest: Any
    ) -> Any:
        asked_about = iam_actions._query_param(params, "PolicySourceArn") if service == "iam" else None
        return asked_about or original(service, method, path, headers, body, params, *rest)

    iam_actions.extract_resource_arn = extract_resource_arn


def _give_function_of_a_new_mapping() -> None:
    original = iam_actions.request_tag_context

    def request_tag_context(service: str, action: str, body: bytes, params: Any) -> dict[str, Any]:
        context = dict(original(service, action, body, params))
        if action == "lambda:CreateEventSourceMapping":
            context[_CONDITION_KEY] = _function_arn(json.loads(body or b"{}").get("FunctionName", ""))
        return context

    iam_actions.request_tag_context = request_tag_context


def _give_function_of_an_existing_mapping() -> None:
    original = iam_evaluator.enforce

    def enforce(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        context = dict(service_context or {})
        if service == "lambda" and resource_arn.startswith(_MAPPING_ARN):
            mapping = lambda_svc._esms.get(resource_arn.removeprefix(_MAPPING_ARN))
            if mapping:
                context[_CONDITION_KEY] = mapping["FunctionArn"]
        return original(access_key_id, iam_action, service, region, resource_arn, context)

    iam_evaluator.enforce = enforce


def _take_loopback_for_tls() -> None:
    """Stand in for the TLS of AWS's endpoints, or every TLS-only queue and bucket would refuse every call."""
    original = iam_evaluator._resolve_condition_key

    def _resolve_condition_key(key: str, context: Any) -> Any:
        return "true" if key.lower() == "aws:securetransport" else original(key, context)

    iam_evaluator._resolve_condition_key = _resolve_condition_key


def install() -> None:
    """Correct these points."""
    _take_loopback_for_tls()
    _judge_calls_by_their_own_action()
    _give_resources_of_streams_exports_and_tags()
    _give_role_of_a_simulation()
    _give_function_of_a_new_mapping()
    _give_function_of_an_existing_mapping()
