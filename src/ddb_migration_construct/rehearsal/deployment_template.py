"""The copy of a template that is deployed to the embedded AWS, and what is changed in it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

# What the embedded AWS need not or cannot create.
_DROPPED_TYPES = ("AWS::CDK::Metadata", "Custom::S3AutoDeleteObjects")
_RUNTIME = "provided.al2023"

Packager = Callable[[dict[str, Any]], dict[str, Any]]


def _without_bootstrap_check(template: dict[str, Any]) -> None:
    template.get("Parameters", {}).pop("BootstrapVersion", None)
    template.get("Rules", {}).pop("CheckBootstrapVersion", None)
    for section in ("Parameters", "Rules"):
        if not template.get(section):
            template.pop(section, None)


def _without_dropped_resources(template: dict[str, Any]) -> None:
    resources = template["Resources"]
    dropped = {name for name, resource in resources.items() if resource["Type"] in _DROPPED_TYPES}
    for name in dropped:
        del resources[name]
    for resource in resources.values():
        _without_dependencies(resource, dropped)


def _without_dependencies(resource: dict[str, Any], dropped: set[str]) -> None:
    given = resource.get("DependsOn")
    if given is None:
        return
    kept = [name for name in ([given] if isinstance(given, str) else given) if name not in dropped]
    if kept:
        resource["DependsOn"] = kept
    else:
        del resource["DependsOn"]


def _is_python_function(resource: dict[str, Any]) -> bool:
    runtime = resource.get("Properties", {}).get("Runtime")
    return resource["Type"] == "AWS::Lambda::Function" and isinstance(runtime, str) and runtime.startswith("python")


def adapted(template: dict[str, Any], packaged: Packager) -> dict[str, Any]:
    """The template for the embedded AWS: own runtime for Python functions, no CDK metadata.

    ``packaged`` gets a function's ``Code`` and returns the one with the runtime in its package.
    """
    changed = copy.deepcopy(template)
    _without_bootstrap_check(changed)
    _without_dropped_resources(changed)
    for resource in changed["Resources"].values():
        if _is_python_function(resource):
            resource["Properties"]["Runtime"] = _RUNTIME
            resource["Properties"]["Code"] = packaged(resource["Properties"]["Code"])
    return changed
