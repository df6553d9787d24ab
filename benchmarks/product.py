"""The product's own engine, transport and readers, as the Glue jobs run them, with books that keep nothing."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.shapes import Item, as_text
from ddb_migration.aws.asyncio_port import AsyncioPort, End, run
from ddb_migration.aws.bulk_books import Books, Saved
from ddb_migration.aws.bulk_engine import Engine
from ddb_migration.aws.bulk_gate import Gate
from ddb_migration.aws.bulk_port import Then
from ddb_migration.aws.bulk_readers import FileReader, SegmentReader, segment_unit
from ddb_migration.aws.bulk_reading import Reader
from ddb_migration.aws.export_files import ExportFile, ExportFiles
from ddb_migration.core.control_record import OPEN, ControlRecord
from ddb_migration.core.item_text import Portion, Requests

KEYS = ("pk", "sk")
# No limit of its own: the pace is that of the machine.
RECORD = ControlRecord(epoch="e", status=OPEN, max_read_units_per_second=1e12)

MakeReader = Callable[[AsyncioPort], Reader]


def copy_segments(client: Any, table: str, segments: int) -> int:
    """Scan, mix and write; return the items written."""
    runs = [[segment_unit(segment)] for segment in range(segments)]
    return _copy(client, table, lambda port: SegmentReader(port, segments), runs)


def export_of(path: Path, count: int) -> list[ExportFile]:
    """Return an export of two files, both the one at `path`, as the manifest would list them."""
    md5 = base64.b64encode(hashlib.md5(path.read_bytes()).digest()).decode()  # noqa: S324  the manifest's own
    return [ExportFile(number, str(path), count, md5) for number in range(2)]


def copy_files(client: Any, table: str, files: Sequence[ExportFile]) -> int:
    """Copy an export, its files side by side; return the items written."""
    export = ExportFiles(_Bucket(), "bucket")
    return _copy(client, table, lambda port: FileReader(port, export, files), [[file.unit] for file in files])


def texts_of(items: Sequence[Item]) -> list[bytes]:
    """Return the texts of items."""
    return [as_text(item)[1:-1] for item in items]


def copy_lanes(client: Any, table: str, texts: list[bytes], count: int) -> int:
    """Write items whose texts are there already; return how many."""
    runs = [[segment_unit(segment)] for segment in range(16)]
    return _copy(client, table, lambda port: Memory(port, texts, count // 16), runs)


def _copy(client: Any, table: str, reader: MakeReader, runs: Sequence[Sequence[str]]) -> int:
    engines: list[Engine] = []

    def start(port: AsyncioPort, finished: Callable[[Exception | None], None]) -> None:
        books = Books(lambda unit: Saved(), lambda unit, saved: None, lambda text, error: None)
        gate = Gate(port, lambda: RECORD, "e", 1)
        engines.append(Engine(port, reader(port), books, gate, runs, finished, tell=lambda line: None))
        engines[0].start()

    end = End(client, table)
    run((end, end), Requests(table, table), KEYS, start)
    return engines[0].totals.items_written


class Memory:
    """Units whose items are in memory."""

    def __init__(self, port: AsyncioPort, texts: list[bytes], each: int) -> None:
        self._port, self._texts, self._each = port, texts, each

    def read(self, unit: str, position: str | None, limit: int, then: Then[Portion]) -> None:
        """Give the next items of a unit."""
        at = int(position or 0)
        taken = self._texts[: min(limit, self._each - at)]
        following = at + len(taken)
        portion = Portion(taken, None if following >= self._each else str(following), 0.0)
        self._port.later(0.0, functools.partial(then, portion))


class _Bucket:
    """An S3 client whose keys are paths."""

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        """Return a file."""
        return {"Body": _Body(Path(Key))}


class _Body:
    def __init__(self, path: Path) -> None:
        self._path = path

    def iter_chunks(self, size: int) -> list[bytes]:
        """Return the file's bytes; one chunk is enough for a benchmark."""
        return [self._path.read_bytes()]
