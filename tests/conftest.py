"""What holds for every test: no AWS account within reach, Node found, the home folder left alone."""

import os
from pathlib import Path

import hypothesis
import pytest
from hypothesis.configuration import set_hypothesis_home_dir

from ddb_migration_construct.toolchain import jsii_environment

CHECKOUT = Path(__file__).resolve().parents[1]
MARKED_SECONDS = {"rehearsal": 600, "slow": 1800}

# What `--real-aws` works with; all other tests are kept from any account.
GIVEN_ENVIRONMENT = {name: os.environ[name] for name in os.environ if name.startswith("AWS_") or name == "HOME"}

# Before aws_cdk is imported, which starts Node. Its own template validator takes 3 s a synthesis: one test
# switches it on again.
os.environ.update(
    jsii_environment(),
    CDK_VALIDATION="false",
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_REGION="us-east-1",
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    AWS_EC2_METADATA_DISABLED="true",
)
# Tests that make an environment share the downloads of set-up.
os.environ.setdefault("UV_CACHE_DIR", str(CHECKOUT / ".cache" / "uv"))
for variable in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
    os.environ.pop(variable, None)

set_hypothesis_home_dir(CHECKOUT / ".cache" / "hypothesis")
# Machines that run other things too would fail a deadline now and then.
hypothesis.settings.register_profile("project", deadline=None)
hypothesis.settings.load_profile("project")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the end-to-end tests run on an account."""
    parser.addoption(
        "--real-aws",
        action="store_true",
        help="run tests/e2e on the account of your credentials: it costs money, which is told first",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests that are long by nature more time, where they name none of their own."""
    for item in items:
        seconds = [MARKED_SECONDS[name] for name in MARKED_SECONDS if item.get_closest_marker(name)]
        if seconds and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(max(seconds)))
