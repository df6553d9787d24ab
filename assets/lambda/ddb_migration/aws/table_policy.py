"""The resource policy of a table, and the fence in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from ddb_migration.aws.errors import code
from ddb_migration.core.fence import Statement, has_fence, holds_sid, with_fence, without_fence

# DynamoDB API, PutResourcePolicy: ExpectedRevisionId of a table that has no policy.
_NO_POLICY = "NO_POLICY"
_NO_TABLE = "ResourceNotFoundException"
# Somebody changed the policy meanwhile, or within the last 15 s (DynamoDB guide, "Resource-based policy
# considerations"), or the read was not up to date: the next look tries again, and finds out whether the table is gone.
_NOT_NOW = frozenset(
    {"PolicyNotFoundException", "ResourceInUseException", "LimitExceededException", "ThrottlingException", _NO_TABLE}
)


class TableGone(Exception):
    """The table that is to be fenced is not there."""


def _nothing() -> None:
    """Require nothing."""


class TablePolicy:
    """The policy of one table; what others wrote into it is kept, and never overwritten unseen."""

    def __init__(self, client: Any, table_arn: str) -> None:
        self._client = client
        self._arn = table_arn

    def text(self) -> str | None:
        """Return the policy, None where there is none, or no table; reads are eventually consistent."""
        try:
            return self._read()[0]
        except TableGone:
            return None

    def put_fence(self, statement: Statement) -> bool:
        """Put the fence into the current policy; False when that must be tried again.

        Raises PolicyTooLarge when there is no room for it, and TableGone.
        """
        policy, revision = self._read()
        if has_fence(policy, statement):
            return True
        text = with_fence(policy, statement)
        self._try(
            lambda: self._client.put_resource_policy(ResourceArn=self._arn, Policy=text, ExpectedRevisionId=revision)
        )
        # True only once it was read back: what stands there counts, not that a call was made.
        return False

    def keep_fence(self, statement: Statement) -> bool:
        """Put the fence back where it was taken away, as `put_fence` does; no table is as good as a fenced one.

        Nothing can be written to it, and so whoever ends a migration may delete its old table first.
        """
        try:
            return self.put_fence(statement)
        except TableGone as gone:
            print(gone)
            return True

    def remove_fence(self, sid: str, require: Callable[[], object] = _nothing) -> bool:
        """Take the fence out of the current policy; False when that must be tried again.

        `require` raises where the fence is another's by now. It is asked after the policy was read, and a policy that
        has changed since is not written: so a call that was held up takes no later fence away.
        """
        try:
            policy, revision = self._read()
        except TableGone as gone:
            print(gone)
            return True
        if policy is None or not holds_sid(policy, sid):
            return True
        require()
        text = without_fence(policy, sid)
        if text is None:
            self._try(lambda: self._client.delete_resource_policy(ResourceArn=self._arn, ExpectedRevisionId=revision))
        else:
            self._try(
                lambda: self._client.put_resource_policy(
                    ResourceArn=self._arn, Policy=text, ExpectedRevisionId=revision
                )
            )
        return False

    def _read(self) -> tuple[str | None, str]:
        try:
            answer = self._client.get_resource_policy(ResourceArn=self._arn)
        except ClientError as error:
            if code(error) == _NO_TABLE:
                raise TableGone(f"the table {self._arn} is gone") from error
            if code(error) != "PolicyNotFoundException":
                raise
            return None, _NO_POLICY
        return str(answer["Policy"]), str(answer["RevisionId"])

    @staticmethod
    def _try(change: Any) -> None:
        try:
            change()
        except ClientError as error:
            if code(error) not in _NOT_NOW:
                raise
            print(f"the table's policy cannot be changed now: {code(error)}")
