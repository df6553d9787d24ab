"""The audit of the locked packages: what is vulnerable fails, and what nobody knows of is no pass."""

from __future__ import annotations

from typing import Any

import pytest

from audit import CHECKOUT, LOCKS, NOT_AUDITED, NOT_VULNERABLE, VULNERABLE, read

SOUND: dict[str, Any] = {"name": "sound", "version": "1.0", "vulns": []}
SKIPPED: dict[str, Any] = {"name": "unknown", "skip_reason": "Dependency not found on PyPI"}
HOLED: dict[str, Any] = {"name": "holed", "version": "2.0", "vulns": [{"id": "CVE-1", "fix_versions": ["2.1"]}]}


@pytest.mark.parametrize(
    ("dependencies", "code"),
    [
        ([SOUND], NOT_VULNERABLE),
        ([SOUND, HOLED], VULNERABLE),
        ([HOLED, SKIPPED], VULNERABLE),
        # Without the network pip-audit skips every package, says that none is vulnerable, and ends with 0.
        ([SKIPPED], NOT_AUDITED),
        ([SOUND, SKIPPED], NOT_AUDITED),
        ([], NOT_AUDITED),
    ],
)
def test_what_an_audit_says(dependencies: list[dict[str, Any]], code: int) -> None:
    assert read(dependencies).code == code


def test_a_vulnerability_is_told_with_the_version_that_mends_it() -> None:
    assert read([HOLED]).vulnerable == ("holed 2.0: CVE-1, mended in 2.1",)


def test_every_lock_is_audited() -> None:
    locks = [*CHECKOUT.glob("requirements/*.txt"), *CHECKOUT.glob("src/**/*.lock")]
    assert {str(lock.relative_to(CHECKOUT)) for lock in locks} == set(LOCKS)
