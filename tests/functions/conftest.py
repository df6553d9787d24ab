"""A new migration for each test."""

from __future__ import annotations

import pytest

from tests.functions.migration import Migration


@pytest.fixture
def migration() -> Migration:
    return Migration()
