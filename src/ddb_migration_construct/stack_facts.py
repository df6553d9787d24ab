"""What all migrations of a stack share; none has to ask for it again, by a call into the CDK's runtime."""

from __future__ import annotations

import functools
import json
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration, Stack, Stage
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct, IConstruct, Node

from ddb_migration_construct._assets import assets_root

_ASSETS = "DdbMigrationAssets"

# By stack, for as long as somebody holds it; what is in the construct tree is found there again.
_known: weakref.WeakKeyDictionary[Any, StackFacts] = weakref.WeakKeyDictionary()
# By a scope that is no stack itself: the stack it is in, and its path.
_scopes: weakref.WeakKeyDictionary[Any, tuple[Stack, str]] = weakref.WeakKeyDictionary()


@dataclass(frozen=True)
class FileAsset:
    """A file or folder of the assets as a stack deploys it: where it is, and the ARN of its bucket."""

    url: str
    bucket_arn: str


class StackFacts:
    """Partition, Region and account of a stack, its own name, and the assets that its migrations share."""

    def __init__(self, stack: Stack) -> None:
        """Ask the stack where it is: of one that only holds a table, no more is needed."""
        # Weakly: the table of the known stacks must not keep one alive.
        self._stack = weakref.ref(stack)
        self.region, self.account = stack.region, stack.account
        self._code: dict[str, lambda_.Code] = {}
        self._files: dict[str, FileAsset] = {}

    @classmethod
    def of(cls, stack: Stack) -> StackFacts:
        """Return the facts of a stack."""
        facts = _known.get(stack)
        if facts is None:
            facts = _known[stack] = cls(stack)
        return facts

    @property
    def stack(self) -> Stack:
        """Return the stack."""
        stack = self._stack()
        if stack is None:
            raise RuntimeError("the facts of a stack are used after it; keep the stack where you keep them")
        return stack

    @functools.cached_property
    def partition(self) -> str:
        """Return the partition."""
        return self.stack.partition

    @functools.cached_property
    def stack_name(self) -> str:
        """Return the stack's own name."""
        return self.stack.stack_name

    @functools.cached_property
    def path(self) -> str:
        """Return the stack's path in the construct tree."""
        return self.node.path

    @functools.cached_property
    def root(self) -> IConstruct:
        """Return the root of the construct tree."""
        return self.node.root

    @functools.cached_property
    def stage_path(self) -> str:
        """Return the path of the stage that the stack is in; nothing for a stack without one."""
        stage = Stage.of(self.stack)
        return "" if stage is None or stage is self.root else stage.node.path

    @functools.cached_property
    def node(self) -> Node:
        """Return the stack's node in the construct tree."""
        return self.stack.node

    def path_of(self, path: str) -> str:
        """Return what is left of a path in the construct tree below the stack."""
        return path.removeprefix(self.path).lstrip("/")

    def name_of(self, path: str) -> str:
        """Return what the command line calls the migration of this path: the stack's own name, and the rest of it."""
        return f"{self.stack_name}/{self.path_of(path)}"

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource of this account and Region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def json_text(self, value: Any) -> str:
        """Return a value as JSON, also where the deployment alone knows a number of it: a token is never an int."""
        if any(isinstance(number, float) for number in (value.values() if isinstance(value, dict) else [value])):
            return self.stack.to_json_string(value)
        return json.dumps(value, separators=(",", ":"))

    def code(self, folder: str) -> lambda_.Code:
        """Return the code of a function: its folder of assets/lambda, and the shared package beside it."""
        if folder not in self._code:
            path, exclude = str(assets_root() / "lambda"), runtime_files(folder, "ddb_migration")
            self._code[folder] = lambda_.Code.from_asset(path, exclude=exclude)
        return self._code[folder]

    def script(self, name: str) -> FileAsset:
        """Return a script of assets/glue."""
        return self._file(name, "glue", name)

    def shared_package(self) -> FileAsset:
        """Return the package that the Glue scripts import."""
        return self._file("ddb_migration", "lambda", exclude=runtime_files("ddb_migration"))

    def _file(self, id: str, *place: str, exclude: Sequence[str] = ()) -> FileAsset:
        if id not in self._files:
            asset = self._asset(id, str(assets_root().joinpath(*place)), exclude)
            # As the ARN of the asset's `bucket`, which would be two questions.
            self._files[id] = FileAsset(asset.s3_object_url, f"arn:{self.partition}:s3:::{asset.s3_bucket_name}")
        return self._files[id]

    def _asset(self, id: str, path: str, exclude: Sequence[str]) -> s3_assets.Asset:
        folder, is_new = self._folder
        found = None if is_new else folder.node.try_find_child(id)
        if isinstance(found, s3_assets.Asset):
            return found
        return s3_assets.Asset(folder, id, path=path, exclude=list(exclude))

    @functools.cached_property
    def _folder(self) -> tuple[Construct, bool]:
        """Return the construct that holds the assets, and whether it is new: then none of them is in it."""
        known = self.node.try_find_child(_ASSETS)
        return (known, False) if isinstance(known, Construct) else (Construct(self.stack, _ASSETS), True)


def place_of(construct: Construct, node: Node, scope: Construct, id: str) -> tuple[Stack, str]:
    """Return stack and path of a construct made in this scope, asking once for all that are made there."""
    if isinstance(scope, Stack):
        known = scope, StackFacts.of(scope).path
    elif scope in _scopes:
        known = _scopes[scope]
    else:
        stack, path = Stack.of(construct), node.path
        _scopes[scope] = stack, path.rpartition("/")[0]
        return stack, path
    # constructs, Node: a path is that of the scope and the id, in which a slash is written otherwise.
    return known[0], node.path if "/" in id else f"{known[1]}/{id}"


def runtime_files(*folders: str) -> list[str]:
    """Return the exclude patterns that leave only these folders of assets/lambda in an asset."""
    kept = [pattern for folder in folders for pattern in (f"!{folder}", f"!{folder}/**")]
    return ["*", *kept, "**/__pycache__"]


@functools.cache
def seconds(count: int) -> Duration:
    """Return a duration; durations belong to no app, and each is made once."""
    return Duration.seconds(count)


def minutes(count: int) -> Duration:
    """Return a duration of minutes."""
    return seconds(60 * count)


def is_token(value: str) -> bool:
    """Tell whether only the deployment knows a text, or a part of it.

    As `Token.is_unresolved` does, by how a token is written (CDK guide, "Tokens and the AWS CDK").
    """
    return "${Token[" in value


@functools.cache
def service_principal(service: str) -> iam.ServicePrincipal:
    """Return a service of AWS (`lambda`, say) as a principal."""
    return iam.ServicePrincipal(f"{service}.amazonaws.com")
