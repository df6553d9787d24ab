"""Small cloud assemblies, written by hand: stacks of templates, with a migration where one is asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ANYWHERE = "aws://unknown-account/unknown-region"


def migration(source: Any, destination: Any, name: str = "Migrations/Orders", prefix: str = "M") -> dict[str, Any]:
    """Return the resources of a migration, as few as show how they hang together."""
    variables = {"MIGRATION_NAME": name, "SOURCE_TABLE": source, "DESTINATION_TABLE": destination}
    return {
        f"{prefix}Role": {"Type": "AWS::IAM::Role", "Properties": {}},
        f"{prefix}CleanUp": {
            "Type": "AWS::Lambda::Function",
            "Properties": {"Environment": {"Variables": variables}, "Role": {"Fn::GetAtt": [f"{prefix}Role", "Arn"]}},
        },
        f"{prefix}Resource": {
            "Type": "Custom::DynamoDbTableMigration",
            "Properties": {"ServiceToken": {"Fn::GetAtt": [f"{prefix}CleanUp", "Arn"]}},
            "DependsOn": [f"{prefix}Role"],
        },
    }


def write(folder: Path, stacks: Mapping[str, Mapping[str, Any]], environment: str = ANYWHERE) -> Path:
    """Write an assembly of these stacks, each a template or, for short, its resources."""
    folder.mkdir(parents=True, exist_ok=True)
    artifacts = {}
    for name, given in stacks.items():
        template = given if "Resources" in given else {"Resources": given}
        (folder / f"{name}.template.json").write_text(json.dumps(template))
        artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "environment": environment,
            "properties": {"templateFile": f"{name}.template.json"},
        }
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    return folder
