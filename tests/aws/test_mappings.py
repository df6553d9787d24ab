from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ddb_migration.aws.mappings import (
    DISABLED,
    ENABLED,
    STREAM_SETTINGS,
    ForeignMapping,
    Mappings,
    RoleNotReady,
    problem,
    queue_settings,
    told_discarding,
    works,
)
from tests.aws.conftest import Client
from tests.fakes.aws import FakeAws
from tests.fakes.functions import FakeLambda
from tests.fakes.making import create_queue, create_table

_ALLOW_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def create_function(client: Client, name: str, timeout: int = 30) -> str:
    """A function that takes every batch; returns its ARN."""
    if isinstance(client("lambda"), FakeLambda):
        return f"arn:aws:lambda:us-east-1:123456789012:function:{name}"
    role = client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(_TRUST))["Role"]["Arn"]
    client("iam").put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(_ALLOW_ALL))
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as files:
        files.writestr("index.py", "def handler(event, context):\n    return {'batchItemFailures': []}\n")
    made = client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=role,
        Handler="index.handler",
        Timeout=timeout,
        Code={"ZipFile": code.getvalue()},
    )
    return str(made["FunctionArn"])


@pytest.fixture
def mappings(client: Client) -> Mappings:
    return Mappings(client("lambda"))


@pytest.fixture
def function(client: Client, name: str) -> str:
    return create_function(client, name)


@pytest.fixture
def stream(client: Client, name: str) -> str:
    arn = create_table(client("dynamodb"), name, ("pk", "S"), stream="NEW_IMAGE")
    return str(client("dynamodb").describe_table(TableName=arn)["Table"]["LatestStreamArn"])


@pytest.fixture
def queue(client: Client, name: str) -> str:
    create_queue(client("sqs"), name)
    return f"arn:aws:sqs:us-east-1:123456789012:{name}.fifo"


def enabled(mappings: Mappings, function: str, source: str) -> dict[str, Any]:
    """The one mapping, once it is Enabled."""
    return until(lambda: next((m for m in mappings.of(function, source) if m["State"] == ENABLED), None))


def until(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if answer := condition():
            return answer
        time.sleep(0.05)
    raise AssertionError("not within 10 s")


def test_a_stream_mapping_is_created_once_with_our_settings(mappings: Mappings, function: str, stream: str) -> None:
    created = mappings.ensure_stream(function, stream)
    mapping = enabled(mappings, function, stream)
    assert {name: mapping[name] for name in STREAM_SETTINGS} == STREAM_SETTINGS
    assert mappings.ensure_stream(function, stream)["UUID"] == created["UUID"] == mapping["UUID"]
    assert [found["UUID"] for found in mappings.of_source(stream)] == [mapping["UUID"]]
    assert [found["UUID"] for found in mappings.of(function)] == [mapping["UUID"]]
    assert problem(mapping) is None


def test_a_queue_mapping_follows_todays_concurrency(mappings: Mappings, function: str, queue: str) -> None:
    created = mappings.ensure_queue(function, queue, 100)
    mapping = enabled(mappings, function, queue)
    assert {name: mapping[name] for name in queue_settings(100)} == queue_settings(100)
    mappings.ensure_queue(function, queue, 7)
    assert enabled(mappings, function, queue)["ScalingConfig"] == {"MaximumConcurrency": 7}
    assert [found["UUID"] for found in mappings.of(function)] == [created["UUID"]]


def test_a_disabled_mapping_is_enabled_again(client: Client, mappings: Mappings, function: str, stream: str) -> None:
    mappings.ensure_stream(function, stream)
    mapping = enabled(mappings, function, stream)
    client("lambda").update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    until(lambda: mappings.of(function)[0]["State"] == "Disabled")
    mappings.ensure_stream(function, stream)
    assert enabled(mappings, function, stream)["UUID"] == mapping["UUID"]


@pytest.mark.parametrize("changed", [{"BatchSize": 500}, {"MaximumRetryAttempts": 3}, {"StartingPosition": "LATEST"}])
def test_a_mapping_that_may_have_skipped_changes_is_not_adopted(
    client: Client, mappings: Mappings, function: str, stream: str, changed: dict[str, Any]
) -> None:
    client("lambda").create_event_source_mapping(
        FunctionName=function, EventSourceArn=stream, Enabled=True, **{**STREAM_SETTINGS, **changed}
    )
    with pytest.raises(ForeignMapping, match=next(iter(changed))):
        mappings.ensure_stream(function, stream)


DISCARDING: list[dict[str, Any]] = [
    {"FilterCriteria": {"Filters": [{"Pattern": '{"pk": ["secret"]}'}]}},
    {"FilterCriteriaError": {"ErrorCode": "AccessDeniedException", "Message": "no"}},
    {"TumblingWindowInSeconds": 60},
    {"FunctionResponseTypes": []},
]


@pytest.mark.parametrize("changed", DISCARDING)
@pytest.mark.parametrize("kind", ["stream", "queue"])
def test_a_mapping_that_discards_changes_is_not_adopted(fake: FakeAws, kind: str, changed: dict[str, Any]) -> None:
    mappings = Mappings(fake.functions)
    ensures: dict[str, Callable[[], dict[str, Any]]] = {
        "stream": lambda: mappings.ensure_stream("function", "source"),
        "queue": lambda: mappings.ensure_queue("function", "source", 5),
    }
    ensure = ensures[kind]
    mapping = fake.functions.mappings[ensure()["UUID"]]
    mapping.update(changed)
    with pytest.raises(ForeignMapping, match=next(iter(changed))) as raised:
        ensure()
    assert "secret" not in str(raised.value)
    assert not works(mapping)
    assert f"{mapping['UUID']} of function has {next(iter(changed))}" in str(told_discarding(mapping))


@pytest.mark.parametrize("empty", [{}, {"FilterCriteria": {"Filters": []}}, {"TumblingWindowInSeconds": 0}])
def test_a_mapping_without_a_filter_is_adopted(fake: FakeAws, empty: dict[str, Any]) -> None:
    mappings = Mappings(fake.functions)
    for made in (mappings.ensure_stream("function", "stream"), mappings.ensure_queue("function", "queue", 5)):
        fake.functions.mappings[made["UUID"]].update(empty)
        assert works(fake.functions.mappings[made["UUID"]])
    mappings.ensure_stream("function", "stream")
    mappings.ensure_queue("function", "queue", 5)


def test_a_stream_mapping_that_gives_changes_up_discards(fake: FakeAws) -> None:
    mappings = Mappings(fake.functions)
    mapping = fake.functions.mappings[mappings.ensure_stream("function", "stream")["UUID"]]
    mapping["MaximumRecordAgeInSeconds"] = 60
    assert "MaximumRecordAgeInSeconds = 60, not -1" in str(told_discarding(mapping))


def test_a_queue_mapping_gets_its_batch_size_back(fake: FakeAws) -> None:
    mappings = Mappings(fake.functions)
    mapping = fake.functions.mappings[mappings.ensure_queue("function", "queue", 5)["UUID"]]
    mapping["BatchSize"] = 1
    mappings.ensure_queue("function", "queue", 5)
    assert mapping["BatchSize"] == 10


def test_a_mapping_is_deleted_and_deleting_it_again_is_no_error(mappings: Mappings, function: str, stream: str) -> None:
    mappings.ensure_stream(function, stream)
    mapping = enabled(mappings, function, stream)
    mappings.delete(mapping)
    until(lambda: not mappings.of(function))
    mappings.delete(mapping)


def test_a_mapping_in_transition_is_left_to_the_next_look(fake: FakeAws) -> None:
    fake.functions.slow = True
    mappings = Mappings(fake.functions)
    mapping = mappings.ensure_stream("function", "stream")
    mappings.delete(mapping)
    assert mappings.of("function")[0]["State"] == "Creating"
    assert mappings.ensure_stream("function", "stream")["State"] == "Creating"


def test_a_role_that_is_not_ready_is_told_apart(fake: FakeAws) -> None:
    fake.functions.roles_ready = False
    with pytest.raises(RoleNotReady, match="Cannot access stream"):
        Mappings(fake.functions).ensure_stream("function", "stream")


def test_an_error_of_another_kind_is_the_services(fake: FakeAws) -> None:
    mappings = Mappings(fake.functions)
    mappings.ensure_queue("function", "queue", 5)
    with pytest.raises(ClientError, match="ResourceConflictException"):
        fake.functions.create_event_source_mapping(FunctionName="function", EventSourceArn="queue")


@pytest.mark.parametrize(
    ("result", "told"),
    [(None, None), ("", None), ("OK", None), ("No records processed", None), ("PROBLEM: Function call failed", True)],
)
def test_a_mappings_problem(result: str | None, told: bool | None) -> None:
    assert (problem({"LastProcessingResult": result}) is not None) is bool(told)


def test_a_mapping_is_switched_off_and_on(mappings: Mappings, function: str, queue: str) -> None:
    mappings.ensure_queue(function, queue, 5)
    mapping = enabled(mappings, function, queue)
    mappings.switch(mapping, enabled=False)
    until(lambda: mappings.of(function)[0]["State"] == DISABLED)
    mappings.switch(mapping, enabled=True)
    assert enabled(mappings, function, queue)["ScalingConfig"] == {"MaximumConcurrency": 5}


def test_a_mapping_that_is_changing_is_switched_at_the_next_look(fake: FakeAws) -> None:
    fake.functions.slow = True
    mappings = Mappings(fake.functions)
    mapping = mappings.ensure_queue("function", "queue", 5)
    mappings.switch(mapping, enabled=False)
    assert mappings.of("function")[0]["State"] == "Creating"
    fake.functions.settle()
    mappings.switch(mapping, enabled=False)
    fake.functions.settle()
    assert mappings.of("function")[0]["State"] == DISABLED
