"""The example of an Amplify app: a migration for each model, called after the model, whatever its table is called."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.construct.stacks import as_list
from tests.construct.test_examples import EXAMPLES
from tests.construct.validation_report import run

MODELS = ("Todo", "Comment")


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    out: Path = tmp_path_factory.mktemp("amplify")
    # test_examples validates it.
    answer = run(
        sys.executable, "app.py", cwd=EXAMPLES / "leaving_amplify", CDK_OUTDIR=str(out), CDK_VALIDATION="false"
    )
    assert answer.returncode == 0, answer.stderr
    return {stack: json.loads((out / f"{stack}.template.json").read_text()) for stack in ("Tables", "Migrations")}


def test_each_model_has_a_migration_of_its_own_name(templates: dict[str, Any]) -> None:
    machines = [
        found["Properties"]["Tags"]
        for found in templates["Migrations"]["Resources"].values()
        if found["Type"] == "AWS::StepFunctions::StateMachine"
    ]
    names = {tag["Value"] for tags in machines for tag in as_list(tags) if tag["Key"] == "ddb-migration:name"}
    assert names == {f"Migrations/{model}Migration" for model in MODELS}


def test_the_sources_are_found_by_the_exports_of_their_nested_stacks(templates: dict[str, Any]) -> None:
    text = json.dumps(templates["Migrations"])
    assert all(f'"Fn::ImportValue": "abcdefghijklmnopqrstuvwxyz:GetAtt:{model}Table:Name"' in text for model in MODELS)


def test_the_tables_stay_when_the_migrations_go(templates: dict[str, Any]) -> None:
    kinds = {stack: [found["Type"] for found in templates[stack]["Resources"].values()] for stack in templates}
    assert kinds["Tables"].count("AWS::DynamoDB::Table") == len(MODELS)
    # The control tables, and no table of a model.
    assert kinds["Migrations"].count("AWS::DynamoDB::Table") == len(MODELS)
    tables = templates["Tables"]["Resources"].values()
    assert {table["DeletionPolicy"] for table in tables if table["Type"] == "AWS::DynamoDB::Table"} == {"Retain"}
