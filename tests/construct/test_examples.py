"""Every example synthesises, and is what its README says."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.construct.stacks import as_list
from tests.construct.validation_report import run, violations

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
APPS = sorted(path.parent for path in EXAMPLES.glob("*/app.py"))


@pytest.fixture(params=APPS, ids=lambda path: path.name)
def example(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


def test_there_are_examples() -> None:
    assert "minimal" in [example.name for example in APPS]


def synthesise(example: Path, out: Path) -> list[dict[str, Any]]:
    """Run the command of cdk.json in the example's folder, as the CDK's command line does."""
    command = shlex.split(json.loads((example / "cdk.json").read_text())["app"])
    assert command[0] == "python"
    answer = run(sys.executable, *command[1:], cwd=example, CDK_OUTDIR=str(out))
    assert answer.returncode == 0, answer.stderr
    return [json.loads(path.read_text()) for path in out.glob("*.template.json")]


def test_example_synthesises(example: Path, tmp_path: Path) -> None:
    templates = synthesise(example, tmp_path)
    kinds = [found["Type"] for template in templates for found in template["Resources"].values()]
    assert "Custom::DynamoDbTableMigration" in kinds
    # The one validated synthesis among the tests.
    assert not violations(tmp_path)


def test_example_has_a_readme(example: Path) -> None:
    assert (example / "README.md").read_text().startswith("# ")


def test_what_the_guarded_example_retains_stays_readable(tmp_path: Path) -> None:
    (template,) = synthesise(EXAMPLES / "guarded", tmp_path)
    kept = {found["Type"] for found in template["Resources"].values() if found.get("DeletionPolicy") == "Retain"}
    assert kept == {"AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::Logs::LogGroup", "AWS::KMS::Key"}


def test_the_guarded_example_s_alarms_reach_its_topic(tmp_path: Path) -> None:
    (template,) = synthesise(EXAMPLES / "guarded", tmp_path)
    (policy,) = [found for found in template["Resources"].values() if found["Type"] == "AWS::SNS::TopicPolicy"]
    allowed = [row for row in policy["Properties"]["PolicyDocument"]["Statement"] if row["Effect"] == "Allow"]
    assert [row["Principal"] for row in allowed] == [{"Service": "cloudwatch.amazonaws.com"}]


def test_whoever_starts_the_guarded_example_may_look_at_it_too(tmp_path: Path) -> None:
    (template,) = synthesise(EXAMPLES / "guarded", tmp_path)
    policies = [found for id, found in template["Resources"].items() if id.startswith("DevelopersDefaultPolicy")]
    assert {"states:StartExecution", "states:ListStateMachines", "dynamodb:GetItem"} <= {
        action
        for policy in policies
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        for action in as_list(statement["Action"])
    }


def test_the_minimal_app_takes_ten_lines() -> None:
    lines = (EXAMPLES / "minimal" / "app.py").read_text().splitlines()
    code = [line for line in lines if line and not line.startswith(("from", "import", '"""'))]
    assert len(code) <= 10
