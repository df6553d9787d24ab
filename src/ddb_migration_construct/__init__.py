"""AWS CDK construct that migrates one live DynamoDB table into another, and proves the two equal.

Nothing is imported until it is asked for: the command line and the rehearsal live in this package
too, and neither should wait for aws_cdk (which starts Node) to load.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ddb_migration_construct.table_migration import DynamoDbTableMigration

    __version__: str

__all__ = ["DynamoDbTableMigration", "__version__"]

# Hidden from type checkers: to them a module with `__getattr__` has every name one can misspell.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name == "DynamoDbTableMigration":
            from ddb_migration_construct.table_migration import DynamoDbTableMigration

            return DynamoDbTableMigration
        if name == "__version__":
            from importlib.metadata import version

            return version("ddb-migration-construct")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
