"""Deploying a stack of a cloud assembly to the embedded AWS, as ``cdk deploy`` does to an account."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from .deployment_assets import Assets
from .deployment_template import adapted
from .embedded import EmbeddedAws

_INLINE_TEMPLATE_BYTES = 51_200
_POLL_SECONDS = 0.1
_TIMEOUT_SECONDS = 300.0


class DeploymentFailed(Exception):
    """A stack did not reach the state asked for; the message gives CloudFormation's reasons."""


def _artifact(assembly: Path, stack_name: str) -> tuple[Path, Path | None]:
    """The template of the stack and the manifest of its assets."""
    artifacts = json.loads((assembly / "manifest.json").read_text())["artifacts"]
    stacks = {n: a for n, a in artifacts.items() if a["type"] == "aws:cloudformation:stack"}
    for name, artifact in stacks.items():
        if stack_name in (name, artifact["properties"].get("stackName")):
            manifest = assembly / f"{name}.assets.json"
            return assembly / artifact["properties"]["templateFile"], manifest if manifest.exists() else None
    raise DeploymentFailed(f"{assembly} has no stack {stack_name!r}; it has {', '.join(sorted(stacks))}.")


def _described(aws: EmbeddedAws, stack_name: str) -> dict[str, Any] | None:
    from botocore.exceptions import ClientError

    try:
        stack: dict[str, Any] = aws.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"][0]
    except ClientError:
        return None
    return stack if stack["StackStatus"] != "DELETE_COMPLETE" else None


def _events(aws: EmbeddedAws, stack_name: str) -> list[dict[str, Any]]:
    """Every event of the stack, the newest first."""
    pages = aws.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=stack_name)
    return [event for page in pages for event in page["StackEvents"]]


def _reasons(aws: EmbeddedAws, stack_name: str, since: int) -> str:
    """The failures of the last operation, the first one first."""
    events = _events(aws, stack_name)
    failed = [event for event in events[: len(events) - since] if event["ResourceStatus"].endswith("FAILED")]
    return "\n".join(
        f"  {event['LogicalResourceId']} ({event['ResourceType']}): {event.get('ResourceStatusReason', '')}"
        for event in reversed(failed)
    )


def _events_so_far(aws: EmbeddedAws, stack_name: str) -> int:
    return len(_events(aws, stack_name))


def _settled(aws: EmbeddedAws, stack_id: str, timeout_seconds: float) -> dict[str, Any]:
    until = time.monotonic() + timeout_seconds
    while True:
        stack: dict[str, Any] = aws.client("cloudformation").describe_stacks(StackName=stack_id)["Stacks"][0]
        if not stack["StackStatus"].endswith("IN_PROGRESS"):
            return stack
        if time.monotonic() > until:
            raise DeploymentFailed(f"{stack['StackName']} is still {stack['StackStatus']} after {timeout_seconds:g} s.")
        time.sleep(_POLL_SECONDS)


def _template_argument(aws: EmbeddedAws, assets: Assets, template: dict[str, Any]) -> dict[str, str]:
    text = json.dumps(template)
    if len(text.encode()) <= _INLINE_TEMPLATE_BYTES:
        return {"TemplateBody": text}
    bucket, key = assets.upload_text(text)
    return {"TemplateURL": f"{aws.url}/{bucket}/{key}"}


def _is_no_change(error: Exception) -> bool:
    return "No updates are to be performed" in str(error)


def _create_or_update(aws: EmbeddedAws, stack_name: str, template: dict[str, str], timeout: float) -> dict[str, Any]:
    from botocore.exceptions import ClientError

    cloud_formation = aws.client("cloudformation")
    existing = _described(aws, stack_name)
    capabilities = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]
    since = _events_so_far(aws, existing["StackId"]) if existing else 0
    operation = cloud_formation.update_stack if existing else cloud_formation.create_stack
    try:
        stack_id = operation(StackName=stack_name, Capabilities=capabilities, **template)["StackId"]
    except ClientError as error:
        if existing and _is_no_change(error):
            return existing
        raise DeploymentFailed(f"{stack_name} was refused: {error}") from error
    stack = _settled(aws, stack_id, timeout)
    if stack["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise DeploymentFailed(f"{stack_name} ended in {stack['StackStatus']}:\n{_reasons(aws, stack_id, since)}")
    return stack


def deploy(
    aws: EmbeddedAws, assembly: Path, stack_name: str, *, timeout_seconds: float = _TIMEOUT_SECONDS
) -> dict[str, str]:
    """Publish the assets of a stack, create or update it, wait, and return its outputs.

    ``assembly`` is a folder that ``cdk synth`` wrote. Raises DeploymentFailed with the stack's reasons.
    """
    template_file, manifest = _artifact(assembly, stack_name)
    assets = Assets(aws, assembly, manifest)
    assets.publish()
    template = adapted(json.loads(template_file.read_text()), assets.packaged)
    stack = _create_or_update(aws, stack_name, _template_argument(aws, assets, template), timeout_seconds)
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def destroy(aws: EmbeddedAws, stack_name: str, *, timeout_seconds: float = _TIMEOUT_SECONDS) -> None:
    """Delete the stack and wait; raises DeploymentFailed if a resource could not be deleted."""
    existing = _described(aws, stack_name)
    if existing is None:
        return
    since = _events_so_far(aws, existing["StackId"])
    aws.client("cloudformation").delete_stack(StackName=stack_name)
    stack = _settled(aws, existing["StackId"], timeout_seconds)
    if stack["StackStatus"] != "DELETE_COMPLETE":
        raise DeploymentFailed(
            f"{stack_name} ended in {stack['StackStatus']}:\n{_reasons(aws, existing['StackId'], since)}"
        )
