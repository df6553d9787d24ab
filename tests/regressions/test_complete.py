"""Each of the 17 defects has a check that the product passes, and one that shows the careless way to fail it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = "\n".join(file.read_text() for file in sorted(Path(__file__).parent.glob("test_*.py")))


@pytest.mark.parametrize("number", range(1, 18))
def test_a_defect_is_checked_both_ways(number: int) -> None:
    names = re.findall(rf"def (test_{number:02}_\w+)\(", TESTS)
    caught = [name for name in names if name.endswith("_caught")]
    assert caught
    assert len(names) > len(caught)
