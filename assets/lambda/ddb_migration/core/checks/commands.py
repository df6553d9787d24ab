"""Commands of the AWS CLI with the real names in them, ready to paste."""

from __future__ import annotations

import json
import math
import shlex
from typing import Any

from ddb_migration.core.place import Place
from ddb_migration.core.table import Table


def on_table(arn: str, command: str, *options: str) -> str:
    """Return `aws dynamodb <command>` for a table, in its Region; the options are quoted for a POSIX shell."""
    name = arn.split("/", 1)[1]
    words = ["aws", "dynamodb", *command.split(), "--region", Place.of(arn).region, "--table-name", name, *options]
    return " ".join(shlex.quote(word) for word in words)


def get_policy(arn: str) -> str:
    """Return the command that shows a table's resource policy, in the table's Region."""
    return f"aws dynamodb get-resource-policy --region {Place.of(arn).region} --resource-arn {arn}"


def more_writes(table: Table, units: float) -> str:
    """Return the command that makes a table take so many write units a second."""
    wanted = math.ceil(units)
    if table.provisioned_writes:
        reads = table.provisioned_reads
        option = ("--provisioned-throughput", f"ReadCapacityUnits={reads},WriteCapacityUnits={wanted}")
    elif 0 < table.most_writes < wanted:
        option = ("--on-demand-throughput", f"MaxWriteRequestUnits={wanted}")
    else:
        option = ("--warm-throughput", f"WriteUnitsPerSecond={wanted}")
    return on_table(table.arn, "update-table", *option)


def statement(actions: list[str], resources: list[str], **more: Any) -> str:
    """Return a policy of one statement as JSON."""
    allowed = {"Effect": "Allow", **more, "Action": actions, "Resource": resources}
    return json.dumps({"Version": "2012-10-17", "Statement": [allowed]}, indent=2)


def compact(value: Any) -> str:
    """Return JSON on one line, as an option of a command takes it."""
    return json.dumps(value, separators=(",", ":"))
