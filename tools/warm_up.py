"""Say which Node and Java are used, and import aws_cdk once, so that no later run pays for unpacking it."""

import os

from ddb_migration_construct.toolchain import find_java, find_node, jsii_environment

print(f"set-up: Node: {find_node()}")
print(f"set-up: Java: {find_java()}", flush=True)
os.environ.update(jsii_environment())

import aws_cdk  # noqa: E402 (it starts Node, whose place is set above)

aws_cdk.App()
