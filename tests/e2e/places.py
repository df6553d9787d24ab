"""Where an end-to-end test runs: the embedded AWS, or an account."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import boto3

from ddb_migration_construct.rehearsal.deployed import Aws
from ddb_migration_construct.rehearsal.deployment import deploy, destroy
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from ddb_migration_construct.rehearsal.embedded_aws.settings import REGION, ROOT_KEY
from ddb_migration_construct.rehearsal.synthesis import Synthesis
from ddb_migration_construct.toolchain import jsii_environment
from tests.e2e.cdk_cli import CdkCli

HERE = Path(__file__).resolve().parent


class Place(Protocol):
    """An AWS to which one stack is deployed; waits are so many times as long as in an account."""

    stack_name: str
    wait_scale: float

    @property
    def aws(self) -> Aws:
        """Return what gives the clients."""

    def deploy(self) -> dict[str, str]:
        """Deploy the app and return its stack's outputs."""

    def destroy(self) -> None:
        """Destroy what was deployed, also what was deployed in part."""


@dataclass
class Embedded:
    """The embedded AWS, deployed to by its own CloudFormation."""

    aws: EmbeddedAws
    stack_name: str
    work_dir: Path
    wait_scale: float = 0.02

    def deploy(self) -> dict[str, str]:
        """Synthesise in a process of its own, and deploy."""
        self.work_dir.mkdir()
        environment = {**os.environ, **jsii_environment()}
        command = (sys.executable, str(HERE / "app.py"))
        with Synthesis(self.work_dir, {"name": self.stack_name}, environment, command) as synthesis:
            synthesis.wait()
            return deploy(self.aws, synthesis.assembly, self.stack_name)

    def destroy(self) -> None:
        """Delete the stack."""
        destroy(self.aws, self.stack_name)


@dataclass
class AccountAws:
    """Clients of an account, by the credentials that the tests were started with."""

    work_dir: Path
    session: boto3.Session
    faults: Mapping[str, int] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """Return a client."""
        return self.session.client(service)


@dataclass
class Account:
    """An account, deployed to by the CDK's command line."""

    aws: AccountAws
    stack_name: str
    environment: Mapping[str, str]
    wait_scale: float = 1.0

    def deploy(self) -> dict[str, str]:
        """Run `cdk deploy`."""
        return self._cli().deploy()[self.stack_name]

    def destroy(self) -> None:
        """Run `cdk destroy`."""
        self._cli().destroy()

    def _cli(self) -> CdkCli:
        return CdkCli(HERE, self.environment, self.aws.work_dir, f"name={self.stack_name}")


def embedded_environment(aws: EmbeddedAws) -> dict[str, str]:
    """Return the variables by which any tool of AWS talks to the embedded AWS."""
    return {
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_ACCESS_KEY_ID": ROOT_KEY,
        "AWS_SECRET_ACCESS_KEY": ROOT_KEY,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
