"""The template holds by the rules of CloudFormation's own schemas, as two independent judges see them.

That the CDK's own validation finds nothing is shown by test_examples.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_kms as kms

from tests.construct.stacks import migrate
from tests.construct.validation_report import run, violations

CHECKOUT = Path(__file__).resolve().parents[2]
# W3005: the CDK writes down dependencies that references imply already.
IGNORED = "W3005"
WRONG = """
import sys
from aws_cdk import App, CfnResource, Stack

app = App(outdir=sys.argv[1], analytics_reporting=False)
CfnResource(Stack(app, "Wrong"), "Queue", type="AWS::SQS::Queue", properties={"NoSuchProperty": 1})
app.synth()
"""


@pytest.mark.slow
def test_the_cdks_own_validation_would_find_something(tmp_path: Path) -> None:
    run(sys.executable, "-c", WRONG, tmp_path, cwd=CHECKOUT)
    assert "NoSuchProperty" in str(violations(tmp_path))


@pytest.mark.slow
def test_cfn_lint_finds_nothing(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path), analytics_reporting=False)
    stack = Stack(app, "Orders")
    # With a key there is every kind of resource that a migration ever has.
    migrate(stack, encryption_key=kms.Key(stack, "Key"))
    app.synth()
    template = tmp_path / "Orders.template.json"
    answer = run(Path(sys.prefix, "bin", "cfn-lint"), "--ignore-checks", IGNORED, "--", template, cwd=tmp_path)
    assert answer.returncode == 0, answer.stdout + answer.stderr
