"""Where a resource lives: partition, Region and account, as its ARN says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """One Region of one account."""

    partition: str
    region: str
    account: str

    @classmethod
    def of(cls, arn: str) -> Place:
        """Read an ARN; raises ValueError where it is none."""
        parts = arn.split(":", 5)
        if len(parts) < 6 or parts[0] != "arn":
            raise ValueError(f"{arn!r} is no ARN; one looks like arn:aws:dynamodb:eu-west-1:123456789012:table/orders")
        return cls(partition=parts[1], region=parts[3], account=parts[4])

    def __str__(self) -> str:
        """Return account and Region in words."""
        return f"account {self.account}, Region {self.region}"
