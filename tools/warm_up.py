"""Say which Node and Java are used; import aws_cdk, and start Spark, once, so that no later run pays for that."""

import os

from ddb_migration_construct.rehearsal.class_archive import make_class_archive
from ddb_migration_construct.toolchain import find_java, find_node, jsii_environment

print(f"set-up: Node: {find_node()}")
print(f"set-up: Java: {find_java()}", flush=True)
os.environ.update(jsii_environment())

import aws_cdk  # noqa: E402 (it starts Node, whose place is set above)

aws_cdk.App()
make_class_archive()
