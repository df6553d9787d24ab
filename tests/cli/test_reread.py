"""`ddb-migration reread` and `accept`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from ddb_migration_construct.cli.accept import accept_key
from ddb_migration_construct.cli.failures import CommandFailed
from ddb_migration_construct.cli.main import app
from ddb_migration_construct.cli.migrations import find_migration
from ddb_migration_construct.cli.parked_keys import AcceptedKey, ParkedKey, accepted_keys, parked_keys
from ddb_migration_construct.cli.reread import KEYS_A_CALL, Redriven, parse_key, redrive, send_rereads
from tests.cli.fakes import BACK, FakeDynamoDb, FakeFunctions, FakeStates, arn_of
from tests.cli.running import invoked

MIGRATION = find_migration(FakeStates("Orders/Migration"), "Orders/Migration")
KEY = {"pk": {"S": "a"}}


def sent(count: int, not_sent: int = 0) -> dict[str, Any]:
    return {"refused": None, "sent": count, "not_sent": not_sent}


def one_pass(count: int, done: bool = True, **told: Any) -> dict[str, Any]:
    return {**sent(count), "done": done, "discarded": 0, "unreadable": [], **told}


def test_keys_are_sent_in_calls_that_lambda_takes() -> None:
    keys = [{"pk": {"N": str(number)}} for number in range(KEYS_A_CALL + 1)]
    functions = FakeFunctions(sent(KEYS_A_CALL), sent(1))
    assert send_rereads(functions, MIGRATION, keys) == KEYS_A_CALL + 1
    assert [(name, len(event["keys"])) for name, event in functions.invoked] == [("reread", KEYS_A_CALL), ("reread", 1)]
    assert [key for _, event in functions.invoked for key in event["keys"]] == keys


def test_fails_when_the_queue_does_not_take_all() -> None:
    with pytest.raises(CommandFailed, match="took 1 rereads and refused the next"):
        send_rereads(FakeFunctions(sent(1, not_sent=1)), MIGRATION, [KEY, KEY])


def test_a_refusal_ends_with_its_reason_and_exit_code_3() -> None:
    with pytest.raises(CommandFailed, match="refuses: not a key of the source table") as failed:
        send_rereads(FakeFunctions({"refused": "not a key of the source table"}), MIGRATION, [KEY])
    assert failed.value.exit_code == 3


@pytest.mark.parametrize("text", ["a", "{", '"a"', "[]", "1"])
def test_fails_on_what_is_no_json_object(text: str) -> None:
    with pytest.raises(CommandFailed, match=r'a key looks like \{"id":'):
        parse_key(text)


@pytest.mark.parametrize("value", [{"N": "1_000"}, {"N": "\uff11"}, {"N": " 7"}, {"B": "YR=="}, {"B": "YQ"}])
def test_fails_on_what_dynamodb_reads_otherwise_or_not_at_all(value: dict[str, str]) -> None:
    with pytest.raises(CommandFailed, match="^pk: .* (?:is no number of DynamoDB|is not base64 as DynamoDB writes it)"):
        parse_key(json.dumps({"pk": value}))


@pytest.mark.parametrize("value", [{"N": "1E+3"}, {"N": "-0.5"}, {"N": ".5"}, {"B": "YQ=="}, {"S": "o'17 \"\u00e9\n"}])
def test_a_key_is_taken_as_dynamodb_writes_it(value: dict[str, str]) -> None:
    assert parse_key(json.dumps({"pk": value})) == {"pk": value}


def test_redrive_goes_on_until_the_queue_is_empty() -> None:
    functions = FakeFunctions(one_pass(10, done=False), one_pass(3, discarded=2))
    assert redrive(functions, MIGRATION) == Redriven(sent=13, discarded=2)
    assert functions.invoked == [("reread", {"action": "redrive"})] * 2


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"not_sent": 2}, "1 reread is in the change queue; 2 dead letters stay"),
        ({"unreadable": ["m1", "m2"]}, "2 dead letters cannot be read .*https://sqs/dead-letters: m1, m2"),
    ],
)
def test_fails_when_letters_are_left(told: dict[str, Any], message: str) -> None:
    with pytest.raises(CommandFailed, match=message):
        redrive(FakeFunctions(one_pass(1, **told)), MIGRATION)


def test_parked_and_accepted_keys_are_listed_with_their_reasons() -> None:
    rows = [
        {"parked_epoch": {"S": epoch}, "item_key": {"S": f'[["pk","S","{name}"],["sk","N","1"]]'}}
        for epoch, name in (("e1", "a"), ("e0", "b"), ("accepted#e1", "c"))
    ]
    why = {"parked_reason": {"S": "too odd"}, "accepted_reason": {"S": "a test"}, "accepted_by": {"S": "arn:ann"}}
    table = FakeDynamoDb(rows=[{**row, **why, "accepted_at": {"N": "7"}} for row in rows])
    assert list(parked_keys(table, "control", "e1")) == [ParkedKey({"pk": {"S": "a"}, "sk": {"N": "1"}}, "too odd")]
    taken = AcceptedKey({"pk": {"S": "c"}, "sk": {"N": "1"}}, "too odd", "arn:ann", 7.0, "a test")
    assert list(accepted_keys(table, "control", "e1")) == [taken]


def test_acceptance_tells_key_reason_and_who() -> None:
    functions = FakeFunctions({"refused": None, "accepted": True})
    accept_key(functions, MIGRATION, KEY, "obsolete", "arn:ann")
    assert functions.invoked == [
        ("reread", {"action": "accept", "key": KEY, "reason": "obsolete", "by": "arn:ann"}),
    ]


def test_fails_to_accept_what_is_not_parked() -> None:
    with pytest.raises(CommandFailed, match=r"not parked; .*status Orders/Migration --parked-keys") as failed:
        accept_key(FakeFunctions({"refused": None, "accepted": False}), MIGRATION, KEY, "obsolete", "arn:ann")
    assert failed.value.exit_code == 3


def test_fails_to_accept_without_a_reason() -> None:
    with pytest.raises(CommandFailed, match="needs a reason"):
        accept_key(FakeFunctions(), MIGRATION, KEY, " ", "arn:ann")


def test_fails_when_nothing_is_named() -> None:
    result = CliRunner().invoke(app, ["reread", "Orders/Migration"])
    assert result.exit_code == 1
    assert "--key, --parked or --dead-letters" in result.output


def test_fails_on_a_bad_key_before_aws_is_asked() -> None:
    result = CliRunner().invoke(app, ["reread", "Orders/Migration", "--key", "{"])
    assert result.exit_code == 1
    assert "not JSON: '{'" in result.output


class FakeSts:
    """An identity."""

    def get_caller_identity(self) -> dict[str, str]:
        return {"Arn": "arn:ann"}


def run(monkeypatch: pytest.MonkeyPatch, command: str, *arguments: str, **clients: Any) -> str:
    fakes = {"stepfunctions": FakeStates("Orders/Migration"), "sts": FakeSts(), **clients}
    result = invoked(monkeypatch, fakes, command, "Orders/Migration", *arguments)
    assert result.exit_code == 0, result.output
    return str(result.stdout)


def test_all_parked_keys_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"parked_epoch": {"S": "e1"}, "item_key": {"S": '[["pk","S","a"]]'}, "parked_reason": {"S": "too odd"}}
    functions, table = FakeFunctions(sent(1)), FakeDynamoDb({"epoch": {"S": "e1"}}, [row])
    said = run(monkeypatch, "reread", "--parked", **{"lambda": functions, "dynamodb": table})
    assert functions.invoked == [("reread", {"action": "reread", "keys": [KEY]})]
    assert said == "Orders/Migration: 1 reread is in the change queue, behind what waits there for the same key.\n"


@pytest.mark.parametrize(("form", "key"), [("fenced", "back"), ("unfenced", "there")])
def test_after_a_fenced_cut_over_it_is_the_parked_keys_of_the_way_back(
    monkeypatch: pytest.MonkeyPatch, form: str, key: str
) -> None:
    rows = [
        {
            "parked_epoch": {"S": epoch},
            "item_key": {"S": json.dumps([["pk", "S", name]])},
            "parked_reason": {"S": "odd"},
        }
        for epoch, name in (("e1", "there"), ("e1-reverse", "back"))
    ]
    record = {"epoch": {"S": "e1"}, "cut_over_at": {"N": "1"}, "cut_over_form": {"S": form}}
    states, functions = FakeStates("Orders/Migration"), FakeFunctions(sent(1))
    states.tags[arn_of("Orders/Migration")].update(BACK)
    clients = {"stepfunctions": states, "lambda": functions, "dynamodb": FakeDynamoDb(record, rows)}
    assert invoked(monkeypatch, clients, "reread", "Orders/Migration", "--parked").exit_code == 0
    assert functions.invoked == [("reread", {"action": "reread", "keys": [{"pk": {"S": key}}]})]


def test_nothing_is_parked_before_the_first_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    said = run(monkeypatch, "reread", "--parked", **{"lambda": FakeFunctions(), "dynamodb": FakeDynamoDb()})
    assert said == "Orders/Migration: nothing is parked or dead, so there is nothing to read again.\n"


def test_keys_and_dead_letters_in_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    functions = FakeFunctions(sent(2), one_pass(3, discarded=4))
    keys = ["--key", '{"pk":{"S":"a"}}', "--key", '{"pk":{"S":"b"}}']
    clients = {"lambda": functions, "dynamodb": FakeDynamoDb()}
    said = run(monkeypatch, "reread", *keys, "--dead-letters", "--json", **clients)
    assert [event["action"] for _, event in functions.invoked] == ["reread", "redrive"]
    told = {"migration": "Orders/Migration", "rereads": 5, "discarded": 4, "exit_code": 0}
    assert json.loads(said) == told


def test_acceptance_names_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    functions = FakeFunctions({"refused": None, "accepted": True})
    arguments = ["--key", '{"pk":{"S":"a"}}', "--reason", "obsolete"]
    said = run(monkeypatch, "accept", *arguments, **{"lambda": functions})
    assert functions.invoked[0][1]["by"] == "arn:ann"
    assert said == 'Accepted in Orders/Migration, by arn:ann: {"pk":{"S":"a"}}\n'
