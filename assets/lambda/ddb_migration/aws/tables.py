"""The two tables: what SetupCheck reads of them, and the item calls of apply.

Table ARNs stand where names could: DynamoDB takes either in every call used here (DynamoDB API, TableName).
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from ddb_migration.aws.errors import code
from ddb_migration.aws.table_policy import TablePolicy
from ddb_migration.core.attribute_values import Item, with_base64, with_bytes
from ddb_migration.core.control_record import MigrationStopped
from ddb_migration.core.table import Table


class Tables:
    """Reads about tables, and the two switches that `enable_source_features` permits."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def describe(self, arn: str) -> Table | None:
        """Return a table, or None where it does not exist."""
        try:
            return Table.of(self._client.describe_table(TableName=arn)["Table"])
        except ClientError as error:
            if code(error) != "ResourceNotFoundException":
                raise
            return None

    def require(self, arn: str) -> Table:
        """Return a table; raises MigrationStopped where it does not exist any more."""
        table = self.describe(arn)
        if table is None:
            raise MigrationStopped(f"the table {arn} is gone")
        return table

    def has_recovery(self, arn: str) -> bool:
        """Tell whether point-in-time recovery is on."""
        return self._recovery(arn).get("PointInTimeRecoveryStatus") == "ENABLED"

    def latest_restorable(self, arn: str) -> float | None:
        """Return the newest moment that can be exported, in epoch seconds; None where recovery is off."""
        recovery = self._recovery(arn)
        if recovery.get("PointInTimeRecoveryStatus") != "ENABLED":
            return None
        moment = recovery.get("LatestRestorableDateTime")
        return moment.timestamp() if moment else 0.0

    def time_to_live(self, arn: str) -> str | None:
        """Return the attribute that items expire by, None where time to live is off or going off."""
        found = self._client.describe_time_to_live(TableName=arn)["TimeToLiveDescription"]
        is_on = found.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")
        return str(found["AttributeName"]) if is_on else None

    def policy(self, arn: str) -> str | None:
        """Return the resource policy, None where a table has none."""
        return TablePolicy(self._client, arn).text()

    def is_empty(self, arn: str) -> bool:
        """Tell whether a table holds no item, by consistent reads."""
        start: dict[str, Any] = {}
        while True:
            page = self._client.scan(TableName=arn, Limit=1, ConsistentRead=True, Select="COUNT", **start)
            if page["Count"]:
                return False
            if "LastEvaluatedKey" not in page:
                return True
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def enable_stream(self, arn: str) -> None:
        """Switch the stream on, with new images."""
        specification = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
        self._client.update_table(TableName=arn, StreamSpecification=specification)

    def enable_recovery(self, arn: str) -> None:
        """Switch point-in-time recovery on."""
        specification = {"PointInTimeRecoveryEnabled": True}
        self._client.update_continuous_backups(TableName=arn, PointInTimeRecoverySpecification=specification)

    def _recovery(self, arn: str) -> dict[str, Any]:
        answer = self._client.describe_continuous_backups(TableName=arn)["ContinuousBackupsDescription"]
        recovery: dict[str, Any] = answer.get("PointInTimeRecoveryDescription", {})
        return recovery


class Source:
    """Consistent reads of single items of the source."""

    def __init__(self, client: Any, arn: str) -> None:
        self._client = client
        self._arn = arn

    def get(self, key: Item) -> Item | None:
        """Return the item as it stands now, None when it is gone; DynamoDB JSON with base64 text."""
        answer = self._client.get_item(TableName=self._arn, Key=with_bytes(key), ConsistentRead=True)
        return with_base64(answer["Item"]) if "Item" in answer else None


class Destination:
    """Full-state writes of single items to the destination."""

    def __init__(self, client: Any, arn: str) -> None:
        self._client = client
        self._arn = arn

    def put(self, item: Item) -> None:
        """Put a whole item; DynamoDB JSON with base64 text."""
        self._client.put_item(TableName=self._arn, Item=with_bytes(item))

    def delete(self, key: Item) -> None:
        """Delete an item; deleting what is not there is no error."""
        self._client.delete_item(TableName=self._arn, Key=with_bytes(key))
