"""The guard of a running migration against its own deployment.

CloudFormation creates and updates first, and removes what was replaced or left out last. The custom resource
comes after all that it names, so its refusal rolls the deployment back before anything old is removed. It
looks at the destination's lock only, which is held exactly while an epoch is open: the lock names the resources
that the epoch lives in, so the update by which CloudFormation rolls back passes.
"""

from __future__ import annotations

from ddb_migration.aws.destination_lock import DestinationLock, Holder

ADVICE = (
    "a deployment must not take them from under it. Give it up first (ddb-migration abort {name}), or, to lose "
    "its work on purpose, set force_delete=True on the migration"
)


class MigrationRuns(Exception):
    """The deployment would take away what a running migration needs."""


def require_unharmed(lock: DestinationLock, me: Holder) -> None:
    """Raise MigrationRuns when the destination is locked by an epoch that lives in other resources than these."""
    holder = lock.holder()
    if holder is None or _lives_in(holder, me):
        return
    what = "a migration of another name" if holder.control_table != me.control_table else "the same migration"
    raise MigrationRuns(
        f"the migration {holder.name} is running into this destination, and this deployment would make {what} "
        f"with new resources: {ADVICE.format(name=holder.name)}"
    )


def require_not_left(old_lock: DestinationLock, me: Holder) -> None:
    """Raise MigrationRuns when this very migration is running into the destination that it is to leave."""
    holder = old_lock.holder()
    if holder is not None and holder.control_table == me.control_table:
        raise MigrationRuns(
            f"the migration {holder.name} is running into the destination that this deployment takes from it: "
            + ADVICE.format(name=holder.name)
        )


def require_way_back(lock: DestinationLock, me: Holder) -> None:
    """Raise MigrationRuns when this very migration is running, and its deployment would take its reverse path away."""
    _require_at_rest(
        lock,
        me,
        "take or replace the path by which it can be rolled back. Keep rollback_window until the migration is completed"
        " (a shorter one ends the window sooner)",
    )


def require_fencing(lock: DestinationLock, me: Holder) -> None:
    """Raise MigrationRuns when this very migration is running, and could watch over and lift its fence no more."""
    _require_at_rest(
        lock,
        me,
        "take the rights by which it puts its fence, watches over it and lifts it. Keep fence_source_writes=True until "
        "the migration is completed (cut-over goes without a fence by --writers-stopped)",
    )


def _require_at_rest(lock: DestinationLock, me: Holder, what: str) -> None:
    holder = lock.holder()
    if holder is not None and holder.control_table == me.control_table:
        raise MigrationRuns(
            f"the migration {holder.name} is running, and this deployment would {what}; otherwise "
            + ADVICE.format(name=holder.name)
        )


def _lives_in(holder: Holder, me: Holder) -> bool:
    return (holder.control_table, holder.change_queue, holder.stream_processor) == (
        me.control_table,
        me.change_queue,
        me.stream_processor,
    )
