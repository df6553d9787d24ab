"""docs/setup-check.md lists exactly the findings that there are, with their weight."""

import re
from pathlib import Path

from ddb_migration.names import ADVISED_FINDINGS, REQUIRED_FINDINGS

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "setup-check.md"
ROW = re.compile(r"^\| `([a-z-]+)` \| (required|advised) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


def test_the_table_lists_every_finding_and_no_other() -> None:
    rows = ROW.findall(DOCUMENT.read_text())
    expected = [(code, "required") for code in REQUIRED_FINDINGS] + [(code, "advised") for code in ADVISED_FINDINGS]
    assert [(code, weight) for code, weight, _, _ in rows] == expected
    assert all(meaning.strip() and remedy.strip() for _, _, meaning, remedy in rows)


def test_no_row_of_the_table_was_overlooked() -> None:
    text = DOCUMENT.read_text().split("## Findings")[1].split("\n## ")[0]
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) == len(ROW.findall(text))
