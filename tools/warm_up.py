"""Say which Node and Java are used; import aws_cdk, and start Spark, once, so that no later run pays for that."""

import os
import sys

from ddb_migration_construct.rehearsal.class_archive import make_class_archive
from ddb_migration_construct.toolchain import ToolNotFoundError, find_java, find_node, jsii_environment

try:
    print(f"set-up: Node: {find_node()}")
    print(f"set-up: Java: {find_java()}", flush=True)
except ToolNotFoundError as missing:
    sys.exit(f"set-up: {missing}")
os.environ.update(jsii_environment())

# It starts Node, whose place is set above.
import aws_cdk

aws_cdk.App()
make_class_archive()
