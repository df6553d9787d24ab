"""How the bulk engine reads the units of the two plans: Scan segments, and the files of an export."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable

from ddb_migration.aws.bulk_port import Port, Then
from ddb_migration.aws.export_files import ExportDamaged, ExportFile, ExportFiles, ExportLines
from ddb_migration.core.item_text import NotDynamoDbJson, Portion


def segment_unit(segment: int) -> str:
    """Return the checkpoint's name of a Scan segment."""
    return f"segment#{segment:06d}"


class SegmentReader:
    """Scans the segments of one table; `total` is the plan's TotalSegments."""

    def __init__(self, port: Port, total: int) -> None:
        self._port, self._total = port, total

    def read(self, unit: str, position: str | None, limit: int, then: Then[Portion]) -> None:
        """Read on in a segment."""
        self._port.scan(int(unit.rpartition("#")[2]), self._total, position, limit, then)


class FileReader:
    """Reads the files of one export; a position is the number of lines before it."""

    def __init__(self, port: Port, export: ExportFiles, files: Iterable[ExportFile]) -> None:
        self._port, self._export = port, export
        self._files = {file.unit: file for file in files}
        self._open: dict[str, ExportLines] = {}

    def read(self, unit: str, position: str | None, limit: int, then: Then[Portion]) -> None:
        """Read on in a file; it is downloaded and checked first, which blocks, so that is done aside.

        What follows is not: to decompress a page takes a few milliseconds, and a thread that competes with the event
        loop for them costs both a tenth more.
        """
        start = int(json.loads(position)["item"]["N"]) if position else 0
        lines = self._open.get(unit)
        if lines is None or lines.at != start:
            self._port.aside(functools.partial(self._begin, unit, start, limit), then)
        else:
            self._port.later(0.0, lambda: then(self._outcome(unit, limit)))

    def _begin(self, unit: str, start: int, limit: int) -> Portion:
        # What an attempt before this one has left open frees the disk first.
        self._open.pop(unit, None)
        self._open[unit] = self._export.lines(self._files[unit], start)
        return self._take(unit, limit)

    def _outcome(self, unit: str, limit: int) -> Portion | Exception:
        try:
            return self._take(unit, limit)
        except (ExportDamaged, NotDynamoDbJson, OSError) as error:
            return error

    def _take(self, unit: str, limit: int) -> Portion:
        lines = self._open[unit]
        items = lines.take(limit)
        if lines.is_at_end:
            del self._open[unit]
            return Portion(items, None, 0.0)
        return Portion(items, f'{{"item":{{"N":"{lines.at}"}}}}', 0.0)
