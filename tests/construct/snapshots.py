"""What the default migration synthesises to, as it was when last looked at.

After a change that is meant, look at what it changes, then write the files anew:

    .venv/bin/python -m tests.construct.snapshots

A logical ID that goes or changes is a resource that CloudFormation replaces under a running migration: that is a
breaking change, and belongs into CHANGELOG.md.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

LOGICAL_IDS = Path(__file__).parent / "logical_ids.json"
TEMPLATE = Path(__file__).parent / "template.json"
_ASSET = re.compile(r"\b[0-9a-f]{64}\b")


def scrubbed(template: dict[str, Any]) -> dict[str, Any]:
    """The template without the hashes of the assets, which change with every line of the functions."""
    without: dict[str, Any] = json.loads(_ASSET.sub("<hash>", json.dumps(template)))
    return without


def logical_ids(template: dict[str, Any]) -> dict[str, str]:
    """The type of every resource by its logical ID."""
    return {id: found["Type"] for id, found in sorted(template["Resources"].items())}


def as_text(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


def main() -> None:
    """Write all files."""
    # Sets the environment in which aws_cdk finds Node, so it comes first.
    import tests.conftest  # noqa: F401
    from tests.construct import api
    from tests.construct.stacks import template_with

    template = template_with()
    LOGICAL_IDS.write_text(as_text(logical_ids(template)))
    TEMPLATE.write_text(as_text(scrubbed(template)))
    api.main()


if __name__ == "__main__":
    main()
