"""What the functions make of an environment with a way back: two paths, the fences of both, and SetupCheck's look."""

from __future__ import annotations

import json
from typing import Any

import pytest

from clean_up import handler as clean_up_handler
from cut_over import compose
from ddb_migration import names
from ddb_migration.aws import announcements
from ddb_migration.aws.control_table import ControlTable, ReverseControl
from ddb_migration.aws.environment import Environment
from ddb_migration.core.direction import FORWARD, REVERSE
from enable_trigger import parts as steering
from enable_trigger.parts import Parts as SteeringParts
from reread import handler as reread_handler
from tests.functions.migration import EXECUTION, PROCESSOR, QUEUE_ARN, WRITER, Migration
from tests.functions.rolling import REVERSE_PROCESSOR, REVERSE_QUEUE_ARN, REVERSE_ROLE, REVERSE_WRITER
from tests.functions.test_setup_check import ONE, codes, look, roles

REVERSE_URL, REVERSE_DEAD_URL = "https://queue/reverse", "https://queue/reverse-dead"


@pytest.fixture
def set_up(migration: Migration) -> Migration:
    """A migration that was deployed with `rollback_window`, whose destination has a stream."""
    migration.settings |= {"fence_source_writes": True, "rollback_window_seconds": 3600.0}
    migration.more = {
        names.REVERSE_STREAM_PROCESSOR: REVERSE_PROCESSOR,
        names.REVERSE_WRITE_CDC: REVERSE_WRITER,
        names.REVERSE_WRITE_CDC_ROLE: REVERSE_ROLE,
        names.REVERSE_CHANGE_QUEUE_URL: REVERSE_URL,
        names.REVERSE_CHANGE_QUEUE_ARN: REVERSE_QUEUE_ARN,
        names.REVERSE_DEAD_LETTER_QUEUE_URL: REVERSE_DEAD_URL,
        names.CHANGE_QUEUE_ARN: QUEUE_ARN,
        names.DEAD_LETTER_QUEUE_URL: "https://queue/dead",
        names.CANARY_ROLE: "arn:role/canary",
        names.NOTIFICATION_TOPIC: "",
        names.DIRECT_MIGRATION_JOB: "direct",
        names.LARGE_MIGRATION_JOB: "large",
        names.VERIFY_JOB: "verify",
    }
    migration.aws.functions.answers |= {
        REVERSE_PROCESSOR: lambda event: {"denied": []},
        REVERSE_WRITER: lambda event: {"denied": []},
    }
    spec = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    migration.aws.dynamodb.update_table(TableName="destination", StreamSpecification=spec)
    return migration


@pytest.fixture(autouse=True)
def _clients(migration: Migration, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (compose, steering, announcements, clean_up_handler, reread_handler):
        monkeypatch.setattr(module, "client", migration.aws.client)


def test_the_reverse_path_has_everything_changed_over(set_up: Migration) -> None:
    environment = set_up.environment
    reverse = environment.reverse
    assert reverse is not None
    assert (reverse[names.SOURCE_TABLE], reverse[names.DESTINATION_TABLE]) == (set_up.destination, set_up.source)
    assert (reverse[names.STREAM_PROCESSOR], reverse[names.WRITE_CDC]) == (REVERSE_PROCESSOR, REVERSE_WRITER)
    assert (reverse[names.CHANGE_QUEUE_URL], reverse[names.CHANGE_QUEUE_ARN]) == (REVERSE_URL, REVERSE_QUEUE_ARN)
    assert reverse[names.DEAD_LETTER_QUEUE_URL] == REVERSE_DEAD_URL
    assert (environment.is_reverse, reverse.is_reverse, reverse.reverse) == (False, True, None)


def test_without_the_prop_there_is_no_reverse_path(migration: Migration) -> None:
    assert migration.environment.reverse is None


def test_the_sources_fence_lets_the_reverse_path_through_and_the_destinations_nobody(set_up: Migration) -> None:
    parts = compose.parts_of(set_up.environment)
    exempt = parts.fence["Condition"]["ArnNotLike"]["aws:PrincipalArn"]
    back = parts.way_back.fence["Condition"]["ArnNotLike"]["aws:PrincipalArn"]
    assert exempt == [REVERSE_ROLE, *back]
    assert len(back) == 1, "DynamoDB's own roles alone"
    assert (parts.fence["Resource"], parts.way_back.fence["Resource"]) == (set_up.source, set_up.destination)


def test_the_paths_of_a_cut_over(set_up: Migration) -> None:
    parts = compose.parts_of(set_up.environment)
    back = parts.way_back
    assert (parts.way, back.way) == (FORWARD, REVERSE)
    assert (parts.source_arn, back.source_arn) == (set_up.source, set_up.destination)
    assert (parts.functions, back.functions) == (
        (PROCESSOR, WRITER, REVERSE_PROCESSOR, REVERSE_WRITER),
        (REVERSE_PROCESSOR, REVERSE_WRITER),
    )
    assert (type(parts.control), type(back.control)) == (ControlTable, ReverseControl)
    assert parts.rollback_window_seconds == 3600


def test_a_cut_over_without_the_prop_fences_for_everyone(migration: Migration) -> None:
    migration.settings |= {"fence_source_writes": True}
    migration.more = {
        names.CHANGE_QUEUE_ARN: QUEUE_ARN,
        names.DEAD_LETTER_QUEUE_URL: "https://queue/dead",
        names.CANARY_ROLE: "arn:role/canary",
        names.NOTIFICATION_TOPIC: "",
    }
    parts = compose.parts_of(migration.environment)
    assert parts.reverse is None
    assert len(parts.fence["Condition"]["ArnNotLike"]["aws:PrincipalArn"]) == 1


def test_the_paths_of_the_steering_function(set_up: Migration) -> None:
    parts = SteeringParts.of(set_up.environment)
    assert parts.reverse is not None
    assert parts.reverse.source_arn == set_up.destination
    assert parts.reverse.stream_processor == REVERSE_PROCESSOR
    assert isinstance(parts.reverse.control, ReverseControl)


def test_the_paths_of_reread(set_up: Migration) -> None:
    parts = reread_handler._parts_of(set_up.environment)
    assert parts.reverse is not None
    assert (parts.source_arn, parts.reverse.source_arn) == (set_up.source, set_up.destination)
    assert isinstance(parts.reverse.control, ReverseControl)


def test_clean_up_ends_both_paths(set_up: Migration, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Environment, "of_process", lambda: set_up.environment)
    clean_up_handler._ending.cache_clear()
    ending = clean_up_handler._ending()
    clean_up_handler._ending.cache_clear()
    assert ending.functions == (PROCESSOR, WRITER, REVERSE_PROCESSOR, REVERSE_WRITER)
    assert [fence.table_arn for fence in ending.fences] == [set_up.source, set_up.destination]
    assert [type(fence.control) for fence in ending.fences] == [ControlTable, ReverseControl]


# --- SetupCheck -------------------------------------------------------------------------------------------------


def test_a_sound_set_up_with_a_way_back_has_no_finding(set_up: Migration) -> None:
    assert codes(set_up) == []


def test_the_own_reader_of_the_destinations_stream_is_no_finding(set_up: Migration) -> None:
    stream = set_up.aws.dynamodb.tables["destination"].description["LatestStreamArn"]
    set_up.aws.functions.create_event_source_mapping(FunctionName=REVERSE_PROCESSOR, EventSourceArn=stream)
    assert codes(set_up) == []
    set_up.aws.functions.create_event_source_mapping(FunctionName=ONE, EventSourceArn=stream)
    assert codes(set_up) == ["destination-stream-readers"]


def test_what_keeps_it_from_being_rolled_back_is_found(set_up: Migration) -> None:
    table = set_up.aws.dynamodb.tables["destination"]
    table.description["Replicas"] = [{"RegionName": "eu-west-1"}]
    table.switch_stream({"StreamEnabled": False})
    table.description.pop("LatestStreamArn", None)
    text = json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "Theirs", "Action": "x" * 20_000}]})
    set_up.aws.dynamodb.policies[set_up.destination] = (text, "1")
    found = codes(set_up)
    assert {"destination-stream-off", "destination-replicas", "destination-fence-policy"} <= set(found)


def test_the_room_for_the_fence_counts_the_role_that_it_lets_through(set_up: Migration) -> None:
    setup = look(set_up).at(EXECUTION)
    assert REVERSE_ROLE in json.dumps(setup.fence)
    assert REVERSE_ROLE not in json.dumps(setup.destination_fence)


@pytest.mark.parametrize(
    ("function", "title"), [(REVERSE_PROCESSOR, "ReverseStreamProcessor"), (REVERSE_WRITER, "ReverseWriteCdc")]
)
def test_the_reverse_functions_are_probed(set_up: Migration, function: str, title: str) -> None:
    denied = "User: U is not authorized to perform: dynamodb:PutItem on resource: arn:aws:dynamodb:::table/source"
    set_up.aws.functions.answers[function] = lambda event: {"denied": [denied]}
    (finding,) = roles(set_up).findings(look(set_up).at(EXECUTION))
    assert (finding.code, title in finding.found) == ("function-role", True)


def test_an_environment_says_which_way_its_function_carries() -> None:
    values: dict[str, Any] = {names.DIRECTION: names.REVERSE}
    assert Environment(values).is_reverse
    assert not Environment({}).is_reverse
