"""The fence: whether the source can be fenced when the migration cuts over."""

from __future__ import annotations

from collections.abc import Iterator

from ddb_migration.core.checks.commands import get_policy
from ddb_migration.core.fence import PolicyTooLarge, with_fence
from ddb_migration.core.findings import Finding
from ddb_migration.core.setup import Setup


def fence(setup: Setup) -> Iterator[Finding]:
    """Find what keeps the source's writes from being fenced."""
    if setup.fence is None or setup.source is None:
        return
    if setup.source.replicas:
        yield Finding(
            "fence-replicas",
            f"the source table {setup.source.name} has {setup.source.replicas} replicas, and a policy fences the "
            "writes of one Region only",
            "Leave fence_source_writes out, stop the writers of all Regions yourself when you cut over, and say so: "
            "ddb-migration cut-over --writers-stopped",
        )
    try:
        with_fence(setup.source_policy, setup.fence)
    except PolicyTooLarge as too_large:
        yield Finding(
            "fence-policy",
            f"the source table {setup.source.name} cannot be fenced: {too_large}",
            "This shows the policy",
            (get_policy(setup.source.arn),),
        )
