"""What a value of a CloudFormation template refers to: in its own template, in other stacks, in Parameter Store."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

IMPORT = "Fn::ImportValue"

# Fn::Sub: ${Name} or ${Name.Attribute}; ${!Text} stands for ${Text}.
_SUBSTITUTED = re.compile(r"\$\{([^!}][^}]*)\}")
# CloudFormation User Guide, "Get a plaintext value from Systems Manager Parameter Store".
_DYNAMIC = re.compile(r"\{\{resolve:ssm:([^:}]+)(?::\d+)?\}\}")


def logical_ids(value: Any) -> Iterator[str]:
    """Yield the logical ids of resources and parameters, and pseudo parameters, that a value refers to."""
    if isinstance(value, list):
        for member in value:
            yield from logical_ids(member)
    elif isinstance(value, dict):
        for function, content in value.items():
            yield from _logical_ids(function, content)


def _logical_ids(function: str, content: Any) -> Iterator[str]:
    if function == "Ref" and isinstance(content, str):
        yield content
    elif function == "Fn::GetAtt" and content:
        yield content[0] if isinstance(content, list) else str(content).split(".")[0]
    elif function == "Fn::Sub":
        text, *variables = content if isinstance(content, list) else [content]
        own = set(variables[0]) if variables else set()
        yield from (name.split(".")[0] for name in _SUBSTITUTED.findall(text) if name not in own)
        yield from logical_ids(list(variables[0].values()) if variables else [])
    else:
        yield from logical_ids(content)


def imports(value: Any) -> Iterator[Any]:
    """Yield what is imported from other stacks: the names of exports, or the expressions that give them."""
    for function, content in _functions(value):
        if function == IMPORT:
            yield content


def dynamic_parameters(value: Any) -> Iterator[str]:
    """Yield the names in Parameter Store to which dynamic references refer."""
    if isinstance(value, str):
        yield from _DYNAMIC.findall(value)
    for _, content in _functions(value):
        if isinstance(content, str):
            yield from _DYNAMIC.findall(content)


def dependencies(resource: dict[str, Any]) -> list[str]:
    """Return the logical ids that a resource names in DependsOn."""
    given = resource.get("DependsOn", [])
    return [given] if isinstance(given, str) else list(given)


def _functions(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every entry of every object in a value, and every member of its lists under an empty name."""
    entries = value.items() if isinstance(value, dict) else [("", one) for one in value] if _is_list(value) else ()
    for name, content in entries:
        yield name, content
        yield from _functions(content)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)
