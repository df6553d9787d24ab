"""The resource policy of a table: known to one host of DynamoDB after another, and not to be changed at once."""

from __future__ import annotations

import functools
import json
import random
from collections.abc import Mapping
from typing import Any

from tests.simulation.failures import refused
from tests.simulation.kernel import Kernel
from tests.simulation.services import Calls

HOSTS = 4
# DynamoDB guide, "Resource-based policy considerations".
BLOCKED_SECONDS = 15.0
# Half a minute of denials, and the waits behind it, cover so late a host; a later one is beyond what is promised.
LATEST_SECONDS = 40.0


class SimulatedPolicy:
    """The policy as it stands, and as each host knows it."""

    def __init__(self, kernel: Kernel, draws: random.Random, is_late: bool) -> None:
        self.text: str | None = None
        self.revision = 0
        self._kernel = kernel
        self._draws = draws
        self._latest = LATEST_SECONDS if is_late else 3.0
        self._known: list[tuple[int, str | None]] = [(0, None)] * HOSTS
        self._changed_at = float("-inf")

    @property
    def name(self) -> str:
        """Return the name of the revision."""
        return str(self.revision) if self.text is not None else "NO_POLICY"

    def change(self, text: str | None) -> None:
        """Change the policy; the hosts get to know one by one."""
        self.text, self._changed_at = text, self._kernel.now
        self.revision += 1
        for host in range(HOSTS):
            late = self._draws.uniform(0.0, self._latest)
            self._kernel.after(late, functools.partial(self._tell, host, (self.revision, text)))

    def _tell(self, host: int, news: tuple[int, str | None]) -> None:
        self._known[host] = max(self._known[host], news, key=lambda known: known[0])

    def is_blocked(self) -> bool:
        """Tell whether it was changed so lately that it cannot be changed."""
        return self._kernel.now < self._changed_at + BLOCKED_SECONDS

    @property
    def text_denies(self) -> bool:
        """Tell whether the policy as it stands denies writes."""
        return _denies(self.text)

    def denies(self, host: int, role: str | None = None) -> bool:
        """Tell whether a host denies writes to a role, or to those who have none of the migration's."""
        return _denies(self._known[host][1], role)


def statements(text: str | None) -> list[dict[str, Any]]:
    """Return the statements of a policy."""
    return list(json.loads(text)["Statement"]) if text is not None else []


@functools.lru_cache(maxsize=64)
def _denies(text: str | None, role: str | None = None) -> bool:
    denying = (one for one in statements(text) if one["Effect"] == "Deny")
    return any(role not in one["Condition"]["ArnNotLike"]["aws:PrincipalArn"] for one in denying)


class PolicyCalls:
    """The calls of the client `dynamodb` that are about the policies of tables."""

    def __init__(self, policies: Mapping[str, SimulatedPolicy], calls: Calls) -> None:
        self._policies = policies
        self._calls = calls

    def get_resource_policy(self, ResourceArn: str) -> dict[str, Any]:  # noqa: N803
        return self._calls.make("GetResourcePolicy", lambda: self._get(self._policies[ResourceArn]))

    def _get(self, policy: SimulatedPolicy) -> dict[str, Any]:
        if policy.text is None:
            raise refused("PolicyNotFoundException", "there is no policy", "GetResourcePolicy")
        return {"Policy": policy.text, "RevisionId": policy.name}

    def put_resource_policy(self, ResourceArn: str, Policy: str, ExpectedRevisionId: str) -> dict[str, Any]:  # noqa: N803
        return self._calls.make("PutResourcePolicy", lambda: self._put(ResourceArn, Policy, ExpectedRevisionId))

    def delete_resource_policy(self, ResourceArn: str, ExpectedRevisionId: str) -> dict[str, Any]:  # noqa: N803
        return self._calls.make("DeleteResourcePolicy", lambda: self._put(ResourceArn, None, ExpectedRevisionId))

    def _put(self, table: str, text: str | None, expected: str) -> dict[str, Any]:
        policy = self._policies[table]
        if expected != policy.name:
            raise refused("PolicyNotFoundException", "the policy has another revision", "PutResourcePolicy")
        if policy.is_blocked():
            raise refused("ResourceInUseException", "the policy was changed just now", "PutResourcePolicy")
        policy.change(text)
        return {"RevisionId": policy.name}


class CanaryClient:
    """A client of the canary's role; each one reaches some host."""

    def __init__(self, policies: Mapping[str, SimulatedPolicy], calls: Calls, draws: random.Random) -> None:
        self._policies = policies
        self._calls = calls
        self._host = draws.randrange(HOSTS)

    def delete_item(self, **request: Any) -> dict[str, Any]:
        return self._calls.make("DeleteItem", lambda: self._delete(self._policies[request["TableName"]]))

    def _delete(self, policy: SimulatedPolicy) -> dict[str, Any]:
        if policy.denies(self._host):
            raise refused("AccessDeniedException", "an explicit deny in a resource-based policy", "DeleteItem")
        raise refused("ConditionalCheckFailedException", "The conditional request failed", "DeleteItem")


class TokenClient:
    """The client `sts`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def assume_role(self, RoleArn: str, RoleSessionName: str) -> dict[str, Any]:  # noqa: N803
        return self._calls.make("AssumeRole", lambda: {"Credentials": {"AccessKeyId": "canary"}})
