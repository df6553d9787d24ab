"""The operator's order to cut over, as it comes with the task token's answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

FENCED = "fenced"
UNFENCED = "unfenced"
# How long writes to the source may stay denied before the fence is lifted again, in seconds.
TIMEOUT_SECONDS = 180
LEAST_TIMEOUT_SECONDS = 60
LONGEST_TIMEOUT_SECONDS = 3600


class NotAnOrder(ValueError):
    """What came with the task token is no order to cut over."""


@dataclass(frozen=True)
class CutOverOrder:
    """How to cut over: fenced or unfenced, within which time, and with which others.

    `group` is None for a migration that cuts over by itself. Migrations of one group wait for each other.
    `accepted_sample` is the sampled verify pass on which the operator cuts over, by its name; `accepted_by` is who
    does. Both are None where the tables were verified whole.
    """

    form: str = FENCED
    timeout_seconds: int = TIMEOUT_SECONDS
    group: str | None = None
    accepted_sample: str | None = None
    accepted_by: str | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> CutOverOrder:
        """Read an order; raises NotAnOrder when it is none."""
        form, timeout, group = given.get("form"), given.get("timeout_seconds"), given.get("group")
        if form not in (FENCED, UNFENCED):
            raise NotAnOrder(f"'form' is {form!r}; it is {FENCED!r} or {UNFENCED!r}")
        if not isinstance(timeout, int) or not LEAST_TIMEOUT_SECONDS <= timeout <= LONGEST_TIMEOUT_SECONDS:
            raise NotAnOrder(
                f"'timeout_seconds' is {timeout!r}; it is {LEAST_TIMEOUT_SECONDS} to {LONGEST_TIMEOUT_SECONDS}"
            )
        if group is not None and not isinstance(group, str):
            raise NotAnOrder(f"'group' is {group!r}; it is a text")
        return cls(form, timeout, group, *_acceptance(given))

    def as_json(self) -> dict[str, Any]:
        """Return the order as plain values."""
        return asdict(self)


def _acceptance(given: Mapping[str, Any]) -> tuple[str | None, str | None]:
    sample, by = given.get("accepted_sample"), given.get("accepted_by")
    if (sample, by) == (None, None):
        return None, None
    if not (isinstance(sample, str) and sample and isinstance(by, str) and by):
        raise NotAnOrder(
            f"'accepted_sample' is {sample!r} and 'accepted_by' is {by!r}; they are the name of a sampled verify pass "
            "and who accepts it, or neither is given"
        )
    return sample, by
