"""What a migration has to know of a table that it is given, each asked of it once."""

from __future__ import annotations

import functools
from typing import Any

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms

from ddb_migration_construct.stack_facts import StackFacts, is_token

# arn:partition:service:region:account:resource
_REGION, _ACCOUNT = 3, 4


class TableFacts:
    """A table's ARN, key, Region and account."""

    def __init__(self, table: dynamodb.ITable) -> None:
        """Know a table, of which nothing is asked yet."""
        self.table = table

    @functools.cached_property
    def arn(self) -> str:
        """Return the table's ARN."""
        return self.table.table_arn

    @functools.cached_property
    def encryption_key(self) -> kms.IKey | None:
        """Return the KMS key that the table was given with, None for none."""
        return self.table.encryption_key

    @functools.cached_property
    def region(self) -> str:
        """Return the Region of the table's ARN; the `env` of an imported table may be the importing stack's."""
        return self._stated(_REGION) or str(self._environment.region)

    @functools.cached_property
    def account(self) -> str:
        """Return the account of the table's ARN, as `region`."""
        return self._stated(_ACCOUNT) or str(self._environment.account)

    @functools.cached_property
    def _environment(self) -> Any:
        # A table that the app makes is where its stack is, of which that is known.
        if isinstance(self.table, dynamodb.Table):
            return StackFacts.of(self.table.stack)
        # Its class has moved between the versions of aws-cdk-lib.
        return self.table.env

    def _stated(self, part: int) -> str:
        """Return a part of an ARN that is written out, and nothing of one that holds tokens."""
        return "" if is_token(self.arn) else self.arn.split(":")[part]
