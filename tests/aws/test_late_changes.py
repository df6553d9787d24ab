from __future__ import annotations

from ddb_migration.aws.late_changes import LateChangeRows
from ddb_migration.aws.rows import Rows


def test_keys_that_changed_late_are_kept_once_each(rows: Rows) -> None:
    late = LateChangeRows(rows, "e1")
    assert (late.found().keys, late.found().last_at) == (0, None)
    for key, created in (("a", 10.0), ("b", 30.0), ("a", 20.0)):
        late.note({"pk": {"S": key}}, "1", created)
    assert (late.found().keys, late.found().last_at) == (2, 30.0)
    assert sorted(late.keys()) == ['[["pk","S","a"]]', '[["pk","S","b"]]']
    assert LateChangeRows(rows, "e2").found().keys == 0
