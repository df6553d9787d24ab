"""The app of the end-to-end tests: two tables, and a migration that may fence. Context: `name` of the stack."""

from __future__ import annotations

from aws_cdk import App

from ddb_migration_construct.rehearsal.app import RehearsalStack
from ddb_migration_construct.rehearsal.key_shape import KeyShape

app = App(analytics_reporting=False)
RehearsalStack(
    app,
    app.node.get_context("name"),
    key_shape=KeyShape.parse("sn"),
    repair_extra=False,
    fence_source_writes=True,
    can_roll_back=False,
)
app.synth()
