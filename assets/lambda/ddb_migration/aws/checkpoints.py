"""Checkpoints: how far each unit of the bulk load has come, with what it counted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ddb_migration.aws.rows import Rows
from ddb_migration.core.attribute_values import Item, with_base64, with_bytes


@dataclass(frozen=True)
class Checkpoint:
    """One unit's state: done, or where to go on (`position`), DynamoDB JSON with bytes."""

    done: bool = False
    position: dict[str, Any] | None = None


class Checkpoints:
    """The checkpoints of one epoch; a new epoch has none."""

    def __init__(self, rows: Rows, epoch: str) -> None:
        self._rows = rows
        self._partition = f"checkpoint#{epoch}"

    def read(self, unit: str) -> Checkpoint:
        """Return the state of a unit."""
        return _checkpoint(self._rows.get(self._partition, unit))

    def advance(self, unit: str, position: Item | None, counts: Mapping[str, int]) -> None:
        """Record that all before `position` is written; None means that the unit is done."""
        added = {name: count for name, count in counts.items() if count}
        adds = " ADD " + ", ".join(f"#{name} :{name}" for name in added) if added else ""
        if position is None:
            self._rows.update(
                self._partition, unit, f"SET #done = :done REMOVE #position{adds}", {"done": True, **added}
            )
        else:
            text = json.dumps(with_base64(position))
            self._rows.update(self._partition, unit, f"SET #position = :position{adds}", {"position": text, **added})

    def done(self) -> set[str]:
        """Return the units that are done."""
        return {unit for unit, row in self._rows.query(self._partition) if row.get("done")}

    def total(self, counter: str) -> int:
        """Return the sum of one counter over all units."""
        return sum(row.get(counter, 0) for _, row in self._rows.query(self._partition))


def _checkpoint(row: Mapping[str, Any]) -> Checkpoint:
    position = with_bytes(json.loads(row["position"])) if "position" in row else None
    return Checkpoint(done=bool(row.get("done")), position=position)
