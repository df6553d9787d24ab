"""Small templates written by hand, and the cloud assembly around them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ASSET_BUCKET = "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"

Resource = dict[str, Any]


def write_assembly(
    folder: Path, stack_name: str, template: dict[str, Any], files: dict[str, str] | None = None
) -> Path:
    """A cloud assembly of one stack; ``files`` are single-file assets by object key."""
    folder.mkdir(parents=True, exist_ok=True)
    properties = {"templateFile": f"{stack_name}.template.json", "stackName": stack_name}
    artifact = {"type": "aws:cloudformation:stack", "properties": properties}
    (folder / "manifest.json").write_text(json.dumps({"version": "36.0.0", "artifacts": {stack_name: artifact}}))
    (folder / f"{stack_name}.template.json").write_text(json.dumps(template))
    entries = {}
    for key, content in (files or {}).items():
        (folder / key).write_text(content)
        destination = {"bucketName": ASSET_BUCKET, "objectKey": key}
        entries[key] = {
            "source": {"path": key, "packaging": "file"},
            "destinations": {"current": destination},
        }
    (folder / f"{stack_name}.assets.json").write_text(json.dumps({"version": "36.0.0", "files": entries}))
    return folder


def attribute(name: str, which: str = "Arn") -> dict[str, Any]:
    return {"Fn::GetAtt": [name, which]}


def reference(name: str) -> dict[str, Any]:
    return {"Ref": name}


def role(service: str, *statements: tuple[list[str], Any]) -> Resource:
    """A role for a service; each statement is its actions and its resource."""
    allowed = [{"Effect": "Allow", "Action": actions, "Resource": on} for actions, on in statements]
    policy = {"PolicyName": "own", "PolicyDocument": {"Version": "2012-10-17", "Statement": allowed}}
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            **({"Policies": [policy]} if allowed else {}),
        },
    }


def without_action(template: dict[str, Any], role_name: str, action: str) -> dict[str, Any]:
    """The template with one action taken out of one role."""
    changed: dict[str, Any] = json.loads(json.dumps(template))
    (policy,) = changed["Resources"][role_name]["Properties"]["Policies"]
    statements = policy["PolicyDocument"]["Statement"]
    for statement in statements:
        if action in statement["Action"]:
            statement["Action"].remove(action)
    policy["PolicyDocument"]["Statement"] = [statement for statement in statements if statement["Action"]]
    assert changed != template
    return changed


def function(role_name: str, code: str, environment: dict[str, Any] | None = None, **properties: Any) -> Resource:
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.12",
            "Handler": "index.handler",
            "Role": attribute(role_name),
            "Timeout": 10,
            "Code": {"ZipFile": code},
            "Environment": {"Variables": environment or {}},
            **properties,
        },
    }


def table(**properties: Any) -> Resource:
    return {
        "Type": "AWS::DynamoDB::Table",
        "DeletionPolicy": "Delete",
        "Properties": {
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
            **properties,
        },
    }


def streamed_table(**properties: Any) -> Resource:
    return table(StreamSpecification={"StreamViewType": "NEW_AND_OLD_IMAGES"}, **properties)


def fifo_queue(visibility_seconds: int = 10) -> Resource:
    return {
        "Type": "AWS::SQS::Queue",
        "Properties": {"FifoQueue": True, "VisibilityTimeout": visibility_seconds},
    }


def state_machine(role_name: str, start: str, states: dict[str, Any], **properties: Any) -> Resource:
    """A state machine whose definition may hold references."""
    return {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "RoleArn": attribute(role_name),
            "Definition": {"StartAt": start, "States": states},
            **properties,
        },
    }


def outputs(**values: Any) -> dict[str, Any]:
    return {name: {"Value": value} for name, value in values.items()}
