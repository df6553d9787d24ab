from __future__ import annotations

import base64
import gzip
import hashlib
import json
import tracemalloc
from pathlib import Path

import pytest

from ddb_migration.aws.export_files import ExportDamaged, ExportFile, ExportFiles, ExportLines
from ddb_migration.core.item_text import parsed
from tests.aws.conftest import Client
from tests.fakes.aws import FakeAws

REAL = Path(__file__).resolve().parents[1] / "data" / "real-export" / "01715685260608-c488b4e1"
PREFIX = "dynamodb-export/AWSDynamoDB/01715685260608-c488b4e1"
MANIFEST = f"{PREFIX}/manifest-summary.json"
BUCKET = "test-bucket"
EXPORT_ARN = json.loads((REAL / "manifest-summary.json").read_text())["exportArn"]


@pytest.fixture
def bucket(client: Client, name: str) -> str:
    """A bucket with the export that DynamoDB itself wrote."""
    client("s3").create_bucket(Bucket=name)
    for file in REAL.rglob("*.*"):
        key = f"{PREFIX}/{file.relative_to(REAL)}"
        client("s3").put_object(Bucket=name, Key=key, Body=file.read_bytes())
    return name


def test_a_real_export_is_read_whole(client: Client, bucket: str) -> None:
    files = ExportFiles(client("s3"), bucket)
    (file,) = files.listed(MANIFEST, EXPORT_ARN)
    assert (file.item_count, file.unit) == (3, "file#000000")
    items = list(map(parsed, files.lines(file, 0).take(100)))
    assert len(items) == 3
    lines = gzip.decompress(next(REAL.glob("data/*")).read_bytes()).splitlines()
    assert items == [json.loads(line)["Item"] for line in lines]
    kinds = {kind for item in items for value in item.values() for kind in value}
    assert kinds == {"S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"}


def test_reading_goes_on_where_it_stopped(client: Client, bucket: str) -> None:
    files = ExportFiles(client("s3"), bucket)
    (file,) = files.listed(MANIFEST, EXPORT_ARN)
    whole = files.lines(file, 0).take(100)
    assert _steps(files.lines(file, 0), 2) == [whole[:2], whole[2:]]
    assert _steps(files.lines(file, 1), 1) == [whole[1:2], whole[2:]]
    assert _steps(files.lines(file, 3), 2) == []


def _steps(lines: ExportLines, step: int) -> list[list[bytes]]:
    taken = []
    while found := lines.take(step):
        taken.append(found)
    return taken


def test_another_export_is_refused(client: Client, bucket: str) -> None:
    with pytest.raises(ExportDamaged, match="not of arn:another"):
        ExportFiles(client("s3"), bucket).listed(MANIFEST, "arn:another")


def test_a_missing_object_is_named(client: Client, bucket: str) -> None:
    files = ExportFiles(client("s3"), bucket)
    with pytest.raises(ExportDamaged, match="nowhere.json is missing in the bucket"):
        files.listed("nowhere.json", EXPORT_ARN)
    with pytest.raises(ExportDamaged, match="gone is missing"):
        files.lines(ExportFile(0, "gone", 1, ""), 0)


class Export:
    """An export of ours in the fake S3, to be damaged."""

    def __init__(self, fake: FakeAws) -> None:
        fake.s3.create_bucket(Bucket=BUCKET)
        self.objects = fake.s3.buckets[BUCKET]
        self.files = ExportFiles(fake.s3, BUCKET)
        bodies = {f"data/{number}.json.gz": _packed(number, number + 1) for number in range(3)}
        self.objects.update(bodies)
        rows = [
            {"dataFileS3Key": key, "itemCount": count, "md5Checksum": _md5(body)}
            for count, (key, body) in enumerate(bodies.items(), 1)
        ]
        self.write("manifest-files.json", "".join(json.dumps(row) + "\n" for row in rows))
        summary = {"exportArn": "arn:export", "manifestFilesS3Key": "manifest-files.json", "itemCount": 6}
        self.write("manifest-summary.json", json.dumps(summary))

    def write(self, key: str, text: str) -> None:
        self.objects[key] = text.encode()

    def listed(self) -> list[ExportFile]:
        return self.files.listed("manifest-summary.json", "arn:export")


@pytest.fixture
def export(fake: FakeAws) -> Export:
    return Export(fake)


def _packed(number: int, count: int) -> bytes:
    lines = (json.dumps({"Item": {"pk": {"S": f"{number}-{each}"}, "b": {"B": "AP8="}}}) for each in range(count))
    return gzip.compress("".join(line + "\n" for line in lines).encode())


def _md5(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body).digest()).decode()


def test_only_the_files_that_the_manifest_lists_are_read_in_its_order(export: Export) -> None:
    export.objects["data/stranger.json.gz"] = _packed(9, 9)
    files = export.listed()
    assert [(file.key, file.item_count) for file in files] == [(f"data/{n}.json.gz", n + 1) for n in range(3)]
    read = [parsed(text) for file in files for text in export.files.lines(file, 0).take(100)]
    assert sorted(item["pk"]["S"] for item in read) == ["0-0", "1-0", "1-1", "2-0", "2-1", "2-2"]
    assert all(item["b"] == {"B": "AP8="} for item in read)


def test_sizes_are_those_of_the_files_that_the_manifest_lists(export: Export) -> None:
    export.objects["data/stranger.json.gz"] = b"x" * 10_000
    files = export.listed()
    assert export.files.sizes(files) == [len(export.objects[file.key]) for file in files]
    del export.objects[files[1].key]
    assert export.files.sizes(files)[1] == 0
    assert export.files.sizes([]) == []


@pytest.mark.parametrize("body", [gzip.compress(b""), b""], ids=["gzip of nothing", "no bytes"])
def test_an_empty_file_is_a_file(export: Export, body: bytes) -> None:
    """The guide: for a partition that is empty, the export has an empty file."""
    export.objects["data/empty"] = body
    lines = export.files.lines(ExportFile(0, "data/empty", 0, _md5(body)), 0)
    assert lines.take(5) == []
    assert lines.is_at_end


def test_a_file_of_several_gzip_members_is_read_whole(export: Export) -> None:
    body = _packed(5, 2) + _packed(6, 3)
    export.objects["data/members"] = body
    assert len(export.files.lines(ExportFile(0, "data/members", 5, _md5(body)), 0).take(10)) == 5


def test_a_file_without_bytes_that_should_hold_items_is_found(export: Export) -> None:
    export.objects["data/empty"] = b""
    with pytest.raises(ExportDamaged, match="holds 0 items and the manifest says 2"):
        export.files.lines(ExportFile(0, "data/empty", 2, _md5(b"")), 0).take(5)


def test_items_that_are_larger_than_those_before_them_come_a_few_at_a_time(export: Export) -> None:
    """A task judges how many items fit into its memory by those that it has seen."""
    sizes = [10] * 1000 + [300_000] * 40
    body = _of_sizes(sizes)
    export.objects["data/large"] = body
    lines = export.files.lines(ExportFile(0, "data/large", len(sizes), _md5(body)), 0)
    pages = [lines.take(1000), *_steps(lines, 1000)]
    assert [len(pages[0]), sum(map(len, pages))] == [1000, len(sizes)]
    assert max(sum(map(len, page)) for page in pages) < 3 * 1024 * 1024


def test_what_compresses_a_thousandfold_is_decompressed_a_little_at_a_time(export: Export) -> None:
    body = _of_sizes([300_000] * 200)
    export.objects["data/dense"] = body
    lines = export.files.lines(ExportFile(0, "data/dense", 200, _md5(body)), 0)
    tracemalloc.start()
    taken = len(lines.take(1))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (taken, len(body) < 64 * 1024, held < 8 * 1024 * 1024) == (1, True, True)
    lines.skip(199)
    assert (lines.at, len(lines.take(5)), lines.is_at_end) == (199, 1, True)


def _of_sizes(sizes: list[int]) -> bytes:
    lines = (f'{{"Item":{{"pk":{{"S":"{each}"}},"s":{{"S":"{"x" * size}"}}}}}}\n' for each, size in enumerate(sizes))
    return gzip.compress("".join(lines).encode(), mtime=0)


def test_a_file_cut_off_is_found_even_where_its_checksum_is_right(export: Export) -> None:
    body = _packed(5, 200)[:-20]
    export.objects["data/cut"] = body
    with pytest.raises(ExportDamaged, match="ends in the middle of its gzip data"):
        export.files.lines(ExportFile(0, "data/cut", 200, _md5(body)), 0).take(300)


def test_a_changed_file_is_found_before_its_first_item(export: Export) -> None:
    export.objects["data/1.json.gz"] = _packed(7, 2)
    with pytest.raises(ExportDamaged, match=r"data/1\.json\.gz is not what DynamoDB wrote"):
        export.files.lines(export.listed()[1], 0)


@pytest.mark.parametrize("said", [1, 3])
def test_a_file_of_another_length_is_found(export: Export, said: int) -> None:
    file = export.listed()[1]
    wrong = ExportFile(file.position, file.key, said, file.md5)
    with pytest.raises(ExportDamaged, match=f"holds 2 items and the manifest says {said}"):
        export.files.lines(wrong, 0).take(5)


def test_manifests_that_contradict_each_other_are_refused(export: Export) -> None:
    summary = json.loads(export.objects["manifest-summary.json"])
    export.write("manifest-summary.json", json.dumps({**summary, "itemCount": 7}))
    with pytest.raises(ExportDamaged, match=r"lists 6 items and manifest-summary\.json says 7"):
        export.listed()


@pytest.mark.parametrize("ending", [".md5", ".checksum"])
@pytest.mark.parametrize("manifest", ["manifest-summary", "manifest-files"])
def test_checksum_objects_are_believed_under_both_names(export: Export, manifest: str, ending: str) -> None:
    export.write(manifest + ending, _md5(export.objects[f"{manifest}.json"]) + "\n")
    assert len(export.listed()) == 3
    export.write(manifest + ending, _md5(b"something else"))
    with pytest.raises(ExportDamaged, match=rf"{manifest}\.json is not what DynamoDB wrote"):
        export.listed()
