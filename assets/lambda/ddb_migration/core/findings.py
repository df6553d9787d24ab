"""The findings of SetupCheck: what is wrong with two tables, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class SetupCheckFailed(Exception):
    """The set-up has findings that stop the migration; the text lists them all."""


@dataclass(frozen=True)
class Finding:
    """One thing that SetupCheck found.

    `code` is stable and is what `accepted_findings` names; a required finding cannot be accepted.
    """

    code: str
    found: str
    remedy: str
    required: bool = True

    def __str__(self) -> str:
        """Return one line: code, weight, what was found and what to do."""
        weight = "required" if self.required else f"advised; accept with accepted_findings=['{self.code}']"
        return f"[{self.code}] ({weight}) {self.found}. {self.remedy}."


def stopping(findings: Iterable[Finding], accepted: Iterable[str]) -> list[Finding]:
    """Return the findings that stop the run: all required ones, and the advised ones that nobody accepted."""
    accepted = set(accepted)
    return [finding for finding in findings if finding.required or finding.code not in accepted]


def require_none(findings: Iterable[Finding], accepted: Iterable[str]) -> None:
    """Raise SetupCheckFailed with every stopping finding, numbered."""
    stops = stopping(findings, accepted)
    if stops:
        lines = [f"{number}. {finding}" for number, finding in enumerate(stops, 1)]
        raise SetupCheckFailed("the migration cannot start, nothing was changed:\n" + "\n".join(lines))
