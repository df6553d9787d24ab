"""The stacks of a cloud assembly, as `cdk synth` writes it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MANIFEST = "manifest.json"
_STACK = "aws:cloudformation:stack"
_ASSEMBLY = "cdk:cloud-assembly"


class AssemblyMissing(Exception):
    """There is no cloud assembly where one was expected."""


@dataclass(frozen=True)
class AssemblyStack:
    """One stack: its name, the folder of its assembly, its template, and where it would be deployed.

    `environment` is as the manifest has it, such as "aws://123456789012/eu-west-1" or "aws://unknown-account/...".
    """

    name: str
    folder: Path
    template_file: Path
    assets_file: Path
    environment: str
    template: Mapping[str, Any]

    @property
    def resources(self) -> Mapping[str, Any]:
        """The resources by logical id."""
        found: Mapping[str, Any] = self.template.get("Resources", {})
        return found


def read_stacks(assembly: Path) -> list[AssemblyStack]:
    """Read every stack of an assembly and of the assemblies of its stages.

    Raises AssemblyMissing when the folder holds none.
    """
    if not (assembly / _MANIFEST).is_file():
        raise AssemblyMissing(f"{assembly} holds no {_MANIFEST}")
    return list(_stacks(assembly))


def _stacks(assembly: Path) -> Iterator[AssemblyStack]:
    artifacts = json.loads((assembly / _MANIFEST).read_text("utf-8"))["artifacts"]
    for name, artifact in artifacts.items():
        if artifact["type"] == _STACK:
            yield _stack(assembly, name, artifact)
        elif artifact["type"] == _ASSEMBLY:
            yield from _stacks(assembly / artifact["properties"]["directoryName"])


def _stack(assembly: Path, name: str, artifact: Mapping[str, Any]) -> AssemblyStack:
    properties = artifact["properties"]
    template_file = assembly / properties["templateFile"]
    return AssemblyStack(
        name=properties.get("stackName") or name,
        folder=assembly,
        template_file=template_file,
        assets_file=assembly / f"{name}.assets.json",
        environment=artifact["environment"],
        template=json.loads(template_file.read_text("utf-8")),
    )


def copy_assembly(assembly: Path, target: Path) -> Path:
    """Copy an assembly so that its templates can be changed, and return the target; assets are links."""
    target.mkdir(parents=True)
    for path in assembly.iterdir():
        if path.is_dir() and (path / _MANIFEST).is_file():
            copy_assembly(path, target / path.name)
        elif path.suffix == ".json" and not path.name.startswith("asset."):
            shutil.copyfile(path, target / path.name)
        else:
            (target / path.name).symlink_to(path.resolve())
    return target
