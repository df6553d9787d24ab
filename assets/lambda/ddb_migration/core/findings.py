"""The findings of SetupCheck: what is wrong with two tables, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ddb_migration.names import ADVISED_FINDINGS, REQUIRED_FINDINGS


class SetupCheckFailed(Exception):
    """The set-up has findings that stop the migration; the text lists them all."""


@dataclass(frozen=True)
class Finding:
    """One thing that SetupCheck found.

    `code` is stable and is what `accepted_findings` names; names.py lists all codes, and which of them are
    required. `paste` holds commands and policies with the real names, each on lines of its own.
    """

    code: str
    found: str
    remedy: str
    paste: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise ValueError for a code that is in neither list, and so in no document."""
        if self.code not in (*REQUIRED_FINDINGS, *ADVISED_FINDINGS):
            raise ValueError(f"{self.code!r} is no known finding; add it to names.py and docs/setup-check.md")

    @property
    def required(self) -> bool:
        """Tell whether the finding stops the run whatever `accepted_findings` says."""
        return self.code in REQUIRED_FINDINGS

    def __str__(self) -> str:
        """Return code, weight, what was found and what to do, and below it what to paste."""
        weight = "required" if self.required else f"advised; accept with accepted_findings=['{self.code}']"
        lines = [line for text in self.paste for line in text.splitlines()]
        first = f"[{self.code}] ({weight}) {self.found}. {self.remedy}{':' if lines else '.'}"
        return "\n".join([first, *(f"     {line}" for line in lines)])


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
