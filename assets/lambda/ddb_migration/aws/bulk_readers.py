"""How the bulk engine reads the units of the two plans: Scan segments, and the files of an export."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable

from ddb_migration.aws.bulk_port import Port, Then
from ddb_migration.aws.export_files import ExportFile, ExportFiles, ExportLines
from ddb_migration.core.item_text import Portion, line_text


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
        """Read on in a file, which is downloaded and checked first; that blocks, so it is done aside."""
        start = int(json.loads(position)["item"]["N"]) if position else 0
        self._port.aside(functools.partial(self._take, unit, start, limit), then)

    def _take(self, unit: str, start: int, limit: int) -> Portion:
        lines = self._open.pop(unit, None)
        if lines is None or lines.at != start:
            lines = self._export.lines(self._files[unit], start)
        items = [line_text(line) for line in lines.take(limit)]
        if lines.is_at_end:
            return Portion(items, None, 0.0)
        self._open[unit] = lines
        return Portion(items, f'{{"item":{{"N":"{lines.at}"}}}}', 0.0)
