"""Which bulk load a rehearsed migration takes: its size threshold, set in the synthesised template."""

from __future__ import annotations

import re

from ddb_migration_construct.rehearsal.cloud_assembly import AssemblyStack
from ddb_migration_construct.rehearsal.options import AS_THE_APP_SAYS, LARGE

# The setting in the environment of a function: JSON in a string of JSON, once or more often escaped.
_THRESHOLD = re.compile(r'(size_threshold_bytes\\+":)\d+')
# No table of a rehearsal is as large, and an export is made whatever the size.
_THRESHOLDS = {"direct": 80 * 1024**3, LARGE: 0}


def choose_bulk_load(stack: AssemblyStack, mode: str) -> None:
    """Let the migrations of a stack take the bulk load, direct or large, whatever the app says."""
    if mode == AS_THE_APP_SAYS:
        return
    text = stack.template_file.read_text("utf-8")
    stack.template_file.write_text(_THRESHOLD.sub(rf"\g<1>{_THRESHOLDS[mode]}", text), "utf-8")
