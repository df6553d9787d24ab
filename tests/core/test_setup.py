"""SetupCheck's findings, one by one and together, and the words in which they are told."""

from __future__ import annotations

import json
import math
import shlex
from typing import Any

import pytest

from ddb_migration import names
from ddb_migration.core.checks import check
from ddb_migration.core.checks.forecast import too_small
from ddb_migration.core.checks.permissions import role_finding
from ddb_migration.core.checks.reach import denied_finding
from ddb_migration.core.continuity import STREAM_SECONDS
from ddb_migration.core.fence import fence_sid, fence_statement
from ddb_migration.core.findings import Finding, SetupCheckFailed, require_none, stopping
from ddb_migration.core.forecast import forecast_seconds
from ddb_migration.core.resource_policy import callers_from_text
from ddb_migration.core.table import Table
from tests.core.making import NOW, open_record, setup, table

CITY = table("source").indexes["by-city"]
DAY = 86400
GIB = 1024**3
ELSEWHERE = "arn:aws:dynamodb:eu-west-1:000000000000:table/source"
OTHER_ACCOUNT = "arn:aws:dynamodb:us-east-1:999999999999:table/destination"
OTHER_REGION = "arn:aws:dynamodb:eu-west-1:000000000000:table/destination"
ROLE = "arn:aws:iam::999999999999:role/destination"
SETUP_ROLE, WRITE_ROLE = (f"arn:aws:iam::000000000000:role/{name}" for name in ("setup", "write"))
CALLERS = callers_from_text(
    json.dumps(
        {"SetupCheck": [SETUP_ROLE, "DescribeTable GetResourcePolicy"], "WriteCdc": [WRITE_ROLE, "PutItem DeleteItem"]}
    )
)
TWO = ("arn:aws:lambda:us-east-1:000000000000:function:one", "arn:aws:lambda:us-east-1:000000000000:function:two")
LOCAL = frozenset({"by-city"})
FENCE = fence_statement(fence_sid("control"), table("source").arn)
LONG_POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "Theirs", "Action": "x" * 20_000}]})
DENIED = (
    "An error occurred (AccessDeniedException) when calling the Scan operation: User: arn:aws:sts::1:assumed-role/R/F "
    "is not authorized to perform: dynamodb:Scan on resource: arn:aws:dynamodb:us-east-1:1:table/t because no "
    "identity-based policy allows the dynamodb:Scan action"
)


NOT_TRUSTED = f"User: arn:aws:sts::0:assumed-role/S/F is not authorized to perform: sts:AssumeRole on resource: {ROLE}"
ACCESS_DENIED = f"User: U is not authorized to perform: dynamodb:DescribeTable on resource: {OTHER_ACCOUNT}"
KEY = "arn:aws:kms:us-east-1:999999999999:key/1"


def allowing(role: str, *actions: str, **more: Any) -> str:
    """A policy that lets one role do these actions, unless more is said."""
    row = {"Effect": "Allow", "Principal": {"AWS": role}, "Action": [f"dynamodb:{action}" for action in actions]}
    return json.dumps({"Version": "2012-10-17", "Statement": [{**row, "Resource": OTHER_ACCOUNT, **more}]})


# A destination of another account that everybody there is let in to, and one that is called as a role.
THERE: dict[str, Any] = {
    "destination": table("destination", arn=OTHER_ACCOUNT, stream_arn=None, stream_view=None),
    "destination_arn": OTHER_ACCOUNT,
    "callers": CALLERS,
    "destination_policy": allowing("arn:aws:iam::000000000000:root", "*"),
}
# A destination from which a migration can be rolled back.
BACK: dict[str, Any] = {"destination": table("destination"), "destination_fence": FENCE}
AS_ROLE: dict[str, Any] = {**THERE, "destination_policy": None, "destination_role": ROLE}


def codes(**changed: Any) -> list[str]:
    return [finding.code for finding in check(setup(**changed))]


def only(**changed: Any) -> Finding:
    (finding,) = check(setup(**changed))
    return finding


def test_a_sound_set_up_has_no_finding() -> None:
    assert codes() == []
    assert codes(record=open_record(), destination_empty=False) == []


CASES: list[tuple[str, dict[str, Any]]] = [
    ("source-elsewhere", {"source": None, "source_arn": ELSEWHERE}),
    ("source-missing", {"source": None}),
    ("source-not-active", {"source": table("source", status="ARCHIVED")}),
    ("source-not-active", {"source": table("source", status="REPLICATION_NOT_AUTHORIZED")}),
    ("source-key", {"source": table("source", status="INACCESSIBLE_ENCRYPTION_CREDENTIALS", key_lost=True)}),
    ("source-key", {"source": table("source", key_arn="arn:aws:kms:key", key_lost=True)}),
    ("source-stream-off", {"source": table("source", stream_arn=None, stream_view=None)}),
    ("source-stream-view", {"source": table("source", stream_view="OLD_IMAGE")}),
    ("stream-readers", {"source_readers": TWO}),
    ("stream-readers", {"source_readers": TWO[:1], "source": table("source", replicas=1)}),
    ("source-recovery-off", {"is_large": True}),
    ("destination-elsewhere", {"destination": None, "destination_arn": OTHER_REGION}),
    ("destination-policy", {**THERE, "destination_policy": allowing(WRITE_ROLE, "PutItem", "DeleteItem")}),
    ("destination-policy", {**THERE, "destination_policy": None, "destination_denied": (ACCESS_DENIED,)}),
    ("destination-policy", {**THERE, "destination_policy": None}),
    ("destination-role", {**AS_ROLE, "destination": None, "destination_denied": (NOT_TRUSTED,)}),
    ("destination-role", {**AS_ROLE, "destination": None, "destination_denied": (ACCESS_DENIED,)}),
    ("destination-key-elsewhere", {**THERE, "destination": table("destination", arn=OTHER_ACCOUNT, key_arn=KEY)}),
    ("destination-missing", {"destination": None}),
    ("destination-not-active", {"destination": table("destination", status="CREATING")}),
    ("destination-key", {"destination": table("destination", key_lost=True)}),
    ("destination-not-empty", {"destination_empty": False}),
    ("destination-locked", {"destination_holder": "Other/Migration"}),
    ("destination-stream-readers", {"destination_readers": TWO[:1]}),
    ("destination-time-to-live", {"source_time_to_live": "ttl", "destination_time_to_live": "ttl"}),
    ("time-to-live-differs", {"destination_time_to_live": "ttl"}),
    ("time-to-live-differs", {"source_time_to_live": "expires", "destination_time_to_live": "ttl"}),
    ("forecast", {"source": table("source", size_bytes=30000 * GIB, item_count=10), "read_units": 3000}),
    ("fence-replicas", {"source": table("source", replicas=1), "fence": FENCE}),
    ("fence-policy", {"fence": FENCE, "source_policy": LONG_POLICY}),
    ("destination-stream-off", {**BACK, "destination": table("destination", stream_arn=None, stream_view=None)}),
    ("destination-stream-view", {**BACK, "destination": table("destination", stream_view="OLD_IMAGE")}),
    ("destination-replicas", {**BACK, "destination": table("destination", replicas=1)}),
    ("destination-fence-policy", {**BACK, "destination_policy": LONG_POLICY}),
    ("destination-stream-elsewhere", {**THERE, **BACK, "destination": table("destination", arn=OTHER_ACCOUNT)}),
    ("same-table", {"destination": table("source")}),
    ("key-schema", {"destination": table("destination", keys=(("pk", "HASH", "S"),))}),
    ("key-schema", {"destination": table("d", keys=(("pk", "HASH", "S"), ("sk", "RANGE", "S")))}),
    ("key-schema", {"destination": table("d", keys=(("PK", "HASH", "S"), ("sk", "RANGE", "N")))}),
    ("index", {"destination": table("destination", indexes={})}),
    ("index", {"destination": table("d", indexes={"by-city": (CITY[0], "KEYS_ONLY", ())})}),
    ("index", {"destination": table("d", indexes={"by-city": (CITY[0], "INCLUDE", ("name",))})}),
    ("index", {"source": table("source", local_indexes=LOCAL)}),
    ("function-role", {"denied": (DENIED,)}),
    ("already-running", {"running_execution": "arn:execution"}),
    ("stream-replaced", {"record": open_record(stream_arn="arn:old-stream")}),
    ("stream-gap", {"record": open_record(), "captured_until": NOW - STREAM_SECONDS}),
]


@pytest.mark.parametrize(("code", "changed"), CASES)
def test_each_finding_by_itself(code: str, changed: dict[str, Any]) -> None:
    assert codes(**changed) == [code]


def test_every_code_is_found_by_a_check_or_a_probe() -> None:
    # Job roles are simulated, which is no check of the set-up.
    assert {code for code, _ in CASES} | {"job-role"} == {*names.REQUIRED_FINDINGS, *names.ADVISED_FINDINGS}


@pytest.mark.parametrize(
    "changed",
    [
        {"source": table("source", status="UPDATING")},
        {"source": table("source", stream_view="NEW_AND_OLD_IMAGES")},
        {"source": table("source", stream_view="KEYS_ONLY")},
        {"source_readers": TWO[:1]},
        {"source": table("source", replicas=1)},
        {"source_policy": LONG_POLICY},
        {"fence": FENCE},
        BACK,
        {**BACK, "destination": table("destination", stream_view="KEYS_ONLY")},
        {"destination": table("destination", replicas=1), "destination_policy": LONG_POLICY},
        {"record": open_record(stream_arn="arn:old", cut_over_started=1.0), "destination_time_to_live": "ttl"},
        {"source_time_to_live": "ttl"},
        THERE,
        {**THERE, "destination_policy": allowing("*", "*")},
        {**THERE, "destination_policy": allowing("000000000000", "*", Condition={"Bool": {"a": "b"}})},
        {**THERE, "destination": table("destination", arn=OTHER_ACCOUNT, key_arn=KEY), "destination_key": KEY},
        AS_ROLE,
        {**AS_ROLE, "destination": table("destination", arn=OTHER_ACCOUNT, key_arn=KEY)},
        {**AS_ROLE, "destination_arn": OTHER_REGION},
        {"is_large": True, "source_recovery": True},
        {"destination": table("d", indexes={"by-city": CITY, "more": CITY})},
        {"record": open_record(), "captured_until": NOW - STREAM_SECONDS + 1},
    ],
)
def test_what_is_allowed(changed: dict[str, Any]) -> None:
    assert codes(**changed) == []


# --- the words -----------------------------------------------------------------------------------------------


def test_four_findings_at_once() -> None:
    changed = {
        "source": table("source", stream_arn=None, stream_view=None),
        "is_large": True,
        "destination_empty": False,
        "destination_holder": "Other/Migration",
    }
    found = ["source-stream-off", "source-recovery-off", "destination-not-empty", "destination-locked"]
    assert codes(**changed) == found
    with pytest.raises(SetupCheckFailed, match="nothing was changed") as failed:
        require_none(check(setup(**changed)), ())
    numbered = [line for line in str(failed.value).splitlines()[1:] if not line.startswith(" ")]
    assert [line.split("]")[0] for line in numbered] == [f"{number}. [{code}" for number, code in enumerate(found, 1)]


@pytest.mark.parametrize(("code", "changed"), CASES)
def test_what_to_paste_is_a_command_or_json_on_lines_of_its_own(code: str, changed: dict[str, Any]) -> None:
    finding = only(**changed)
    for text in finding.paste:
        if text.startswith("{"):
            assert json.loads(text)["Statement"]
        else:
            words = shlex.split(text)
            assert words[0] in ("aws", "ddb-migration")
            # Whoever pastes it may work in another Region by default.
            assert words[0] != "aws" or "--region" in words
            assert text in str(finding).replace("\n     ", "\n").splitlines()
    assert str(finding).splitlines()[0].endswith(":" if finding.paste else ".")


def test_a_command_names_table_and_region() -> None:
    assert only(source=table("source", stream_arn=None, stream_view=None)).paste == (
        "aws dynamodb update-table --region us-east-1 --table-name source "
        "--stream-specification StreamEnabled=true,StreamViewType=NEW_IMAGE",
    )


def test_a_table_elsewhere_is_told_with_both_places() -> None:
    finding = only(source=None, source_arn=ELSEWHERE)
    assert "account 000000000000, Region eu-west-1, and the migration in account 000000000000" in finding.found


def test_a_missing_destination_comes_with_the_command_that_creates_it() -> None:
    (command,) = only(destination=None).paste
    words = shlex.split(command)
    assert json.loads(words[words.index("--key-schema") + 1]) == [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]
    (index,) = json.loads(words[words.index("--global-secondary-indexes") + 1])
    assert index["IndexName"] == "by-city"
    assert {row["AttributeName"] for row in json.loads(words[words.index("--attribute-definitions") + 1])} == {
        *("pk", "sk", "city")
    }


def test_keys_are_told_apart_by_name_and_by_type() -> None:
    name = only(destination=table("d", keys=(("PK", "HASH", "S"), ("sk", "RANGE", "N"))))
    assert "the partition key is pk of type S in the source and PK of type S in the destination" in name.found
    kind = only(destination=table("d", keys=(("pk", "HASH", "S"), ("sk", "RANGE", "S"))))
    assert "the sort key is sk of type N in the source and sk of type S in the destination" in kind.found
    none = only(destination=table("d", keys=(("pk", "HASH", "S"),)))
    assert "the sort key is sk of type N in the source and none in the destination" in none.found


def test_an_index_is_told_with_both_projections_and_is_replaced_by_two_commands() -> None:
    finding = only(destination=table("d", indexes={"by-city": (CITY[0], "INCLUDE", ("name",))}))
    assert "projection ALL; the destination d has it as global" in finding.found
    assert "projection INCLUDE of name" in finding.found
    assert ["Delete" in command for command in finding.paste] == [True, False]


def test_an_index_of_a_provisioned_table_is_provisioned_too() -> None:
    provisioned = table("d", indexes={}, provisioned_reads=5, provisioned_writes=7)
    (command,) = only(destination=provisioned).paste
    assert '"ProvisionedThroughput":{"ReadCapacityUnits":5,"WriteCapacityUnits":7}' in command


def test_a_local_index_cannot_be_added() -> None:
    finding = only(source=table("source", local_indexes=LOCAL), destination=table("d", indexes={}))
    assert "create the destination anew" in finding.remedy
    assert finding.paste == ()


def test_readers_are_named() -> None:
    finding = only(source_readers=TWO)
    assert "read by one, two; with capture that makes 3 readers, and a shard serves 2" in finding.found


# --- permissions ---------------------------------------------------------------------------------------------


def test_a_denial_becomes_the_policy_that_is_missing() -> None:
    (policy,) = role_finding("function-role", "WriteCdc", DENIED).paste
    (allowed,) = json.loads(policy)["Statement"]
    assert allowed == {
        "Effect": "Allow",
        "Action": ["dynamodb:Scan"],
        "Resource": ["arn:aws:dynamodb:us-east-1:1:table/t"],
    }


def test_a_key_that_is_denied_leads_to_the_import_with_its_key() -> None:
    denied = "User: r is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:us-east-1:1:key/k because"
    finding = role_finding("function-role", "WriteCdc", denied)
    assert "encryption_key=" in finding.remedy
    assert json.loads(finding.paste[0])["Statement"][0]["Resource"] == ["arn:aws:kms:us-east-1:1:key/k"]


def test_an_explicit_deny_needs_no_further_permission() -> None:
    denied = f"{DENIED.split(' because')[0]} with an explicit deny in a service control policy"
    finding = role_finding("job-role", "DirectMigrationJob", denied)
    assert finding.paste == ()
    assert finding.remedy.endswith("an explicit deny in a service control policy")


def test_words_that_nobody_foresaw_are_shown_as_they_are() -> None:
    finding = role_finding("function-role", "WriteCdc", "its probe failed: ImportError: no module")
    assert "no module" in finding.found
    assert finding.paste == ()


# --- the forecast --------------------------------------------------------------------------------------------


def test_the_forecast_is_the_longer_of_reading_and_writing() -> None:
    million = {"size_bytes": 4096 * 1_000_000, "item_count": 1_000_000}
    reading = setup(source=table("source", **million), read_units=100)
    assert forecast_seconds(reading) == 10_000
    writing = setup(source=table("source", **million), read_units=1e9)
    assert forecast_seconds(writing) == 4_000_000 / 4000
    slow = setup(source=table("s", **million), destination=table("d", provisioned_writes=10), read_units=1e9)
    assert forecast_seconds(slow) == 400_000
    warm = setup(source=table("s", **million), destination=table("d", warm_writes=40_000), read_units=1e9)
    assert forecast_seconds(warm) == 100
    capped = table("d", warm_writes=40_000, most_writes=1000)
    assert forecast_seconds(setup(source=table("s", **million), destination=capped, read_units=1e9)) == 4000
    roomy = table("d", most_writes=100_000)
    assert forecast_seconds(setup(source=table("s", **million), destination=roomy, read_units=1e9)) == 1000


def test_an_export_reads_nothing_from_the_table() -> None:
    huge = {"source": table("source", size_bytes=4096 * 1_000_000, item_count=1), "source_recovery": True}
    assert forecast_seconds(setup(is_large=True, read_units=1, **huge)) == pytest.approx(1_000_000 * 4 / 4000)


def test_a_local_index_is_written_too() -> None:
    items = table("source", size_bytes=1000, item_count=10)
    one = forecast_seconds(setup(source=items))
    assert forecast_seconds(setup(source=items, destination=table("d", local_indexes=LOCAL))) == 2 * one


def test_a_write_limit_is_counted() -> None:
    assert forecast_seconds(setup(source=table("s", size_bytes=0, item_count=0))) == 0
    items = table("source", size_bytes=1000, item_count=1000)
    assert forecast_seconds(setup(source=items, write_units=10)) == 100


def test_behind_the_barrier_no_forecast_is_made() -> None:
    slow = {"source": table("source", size_bytes=30000 * GIB, item_count=10)}
    assert codes(record=open_record(), **slow) == ["forecast"]
    assert codes(record=open_record(apply_started=NOW), **slow) == []


# --- weight --------------------------------------------------------------------------------------------------


def test_an_advised_finding_stops_until_it_is_accepted() -> None:
    advised = Finding("stream-readers", "three readers", "Take one away")
    assert stopping([advised], ()) == [advised]
    assert stopping([advised], ("another",)) == [advised]
    assert stopping([advised], ("stream-readers",)) == []
    assert "accepted_findings=['stream-readers']" in str(advised)


def test_a_required_finding_cannot_be_accepted() -> None:
    required = Finding("source-stream-off", "no stream", "Switch it on")
    assert stopping([required], ("source-stream-off",)) == [required]


def test_a_code_is_in_exactly_one_list_and_no_other_is_used() -> None:
    every = [*names.REQUIRED_FINDINGS, *names.ADVISED_FINDINGS]
    assert len(set(every)) == len(every)
    with pytest.raises(ValueError, match="'source-gone' is no known finding"):
        Finding("source-gone", "", "")


def test_a_destination_too_small_for_the_wish_is_named_with_the_throughput_to_set() -> None:
    (advice,) = too_small(setup(write_units=40_000))
    assert "is 40000 and the destination takes 4000 from the start" in advice
    command = shlex.split(advice.split(": ", 1)[1])
    assert command[:3] == ["aws", "dynamodb", "update-table"]
    assert command[-2:] == ["--warm-throughput", "WriteUnitsPerSecond=40000"]
    provisioned = table("destination", provisioned_writes=500, provisioned_reads=7)
    (advice,) = too_small(setup(write_units=900.5, destination=provisioned))
    assert advice.endswith("--provisioned-throughput ReadCapacityUnits=7,WriteCapacityUnits=901")
    capped = table("destination", warm_writes=4000, most_writes=1000)
    (advice,) = too_small(setup(write_units=2000, destination=capped))
    assert "the destination takes 1000 from the start" in advice
    assert advice.endswith("--on-demand-throughput MaxWriteRequestUnits=2000")


@pytest.mark.parametrize(
    "changed",
    [{}, {"write_units": 4000}, {"write_units": 40_000, "destination": table("d", warm_writes=40_000)}],
    ids=str,
)
def test_a_destination_large_enough_gets_no_advice(changed: dict[str, Any]) -> None:
    assert not list(too_small(setup(**changed)))


def test_a_forecast_that_the_destination_causes_shows_what_it_needs() -> None:
    large = table("source", size_bytes=40_000 * GIB, item_count=40_000 * 1024 * 1024)
    finding = only(source=large, is_large=True, source_recovery=True)
    needed = math.ceil(40_000 * 1024 * 1024 / (7 * DAY))
    assert finding.paste[0].endswith(f"--warm-throughput WriteUnitsPerSecond={needed}")
    assert codes(source=large, is_large=True, source_recovery=True, destination=_warm(needed)) == []
    slow_reads = only(source=table("source", size_bytes=40 * GIB, item_count=10**7), read_units=1)
    assert slow_reads.paste == ()


def _warm(writes: int) -> Table:
    return table("destination", stream_arn=None, stream_view=None, warm_writes=writes)


# --- a destination elsewhere ---------------------------------------------------------------------------------------


def pasted(finding: Finding) -> list[dict[str, Any]]:
    """The statements of the policy among what is to be pasted."""
    (policy,) = [text for text in finding.paste if text.startswith("{")]
    statements: list[dict[str, Any]] = json.loads(policy)["Statement"]
    return statements


def test_the_statements_that_a_policy_lacks_are_told_and_no_others() -> None:
    finding = only(**{**THERE, "destination_policy": allowing(WRITE_ROLE, "PutItem")})
    assert pasted(finding) == [
        {
            "Sid": "SetupCheck",
            "Effect": "Allow",
            "Principal": {"AWS": SETUP_ROLE},
            "Action": ["dynamodb:DescribeTable", "dynamodb:GetResourcePolicy"],
            "Resource": OTHER_ACCOUNT,
        },
        {
            "Sid": "WriteCdc",
            "Effect": "Allow",
            "Principal": {"AWS": WRITE_ROLE},
            "Action": ["dynamodb:DeleteItem"],
            "Resource": OTHER_ACCOUNT,
        },
    ]


@pytest.mark.parametrize(
    "policy",
    [
        allowing("arn:aws:iam::777777777777:root", "*"),
        allowing("arn:aws:iam::000000000000:role/other", "*"),
        allowing("*", "*", Effect="Deny"),
        allowing("*", "*", Resource=f"{OTHER_ACCOUNT}/index/by-city"),
        allowing("*", "GetItem"),
    ],
)
def test_a_policy_for_others_lets_nobody_of_ours_in(policy: str) -> None:
    assert len(pasted(only(**{**THERE, "destination_policy": policy}))) == 2


def test_a_policy_that_may_not_be_read_is_asked_for_and_nothing_else_is_claimed() -> None:
    (row,) = pasted(only(**{**THERE, "destination_policy": None}))
    assert (row["Principal"], row["Action"]) == ({"AWS": SETUP_ROLE}, ["dynamodb:GetResourcePolicy"])


def test_where_the_table_itself_is_denied_every_statement_is_told_and_the_table_is_not_missing() -> None:
    changed = {**THERE, "destination": None, "destination_policy": None, "destination_denied": (ACCESS_DENIED,)}
    finding = only(**changed)
    assert [row["Sid"] for row in pasted(finding)] == ["SetupCheck", "WriteCdc"]
    assert ACCESS_DENIED in finding.found


def test_a_role_that_does_not_trust_us_comes_with_the_trust_policy() -> None:
    (row,) = pasted(only(**{**AS_ROLE, "destination": None, "destination_denied": (NOT_TRUSTED,)}))
    assert row == {"Effect": "Allow", "Principal": {"AWS": [SETUP_ROLE, WRITE_ROLE]}, "Action": "sts:AssumeRole"}


def test_a_role_that_may_not_do_it_comes_with_all_that_it_must_do() -> None:
    (row,) = pasted(only(**{**AS_ROLE, "destination": None, "destination_denied": (ACCESS_DENIED,)}))
    calls = ("DeleteItem", "DescribeTable", "GetResourcePolicy", "PutItem")
    assert row["Action"] == [f"dynamodb:{call}" for call in calls]
    assert row["Resource"] == [OTHER_ACCOUNT]


def test_the_managed_key_is_refused_with_the_reason() -> None:
    finding = only(**{**THERE, "destination": table("destination", arn=OTHER_ACCOUNT, key_arn=KEY)})
    assert "aws/dynamodb, whose policy nobody can change" in finding.remedy
    assert "pass destination_role" in finding.remedy


def test_what_a_probe_is_denied_is_told_once() -> None:
    denied = f"User: U is not authorized to perform: dynamodb:PutItem on resource: {OTHER_ACCOUNT}"
    lacks = setup(**{**THERE, "destination_policy": allowing(SETUP_ROLE, "DescribeTable", "GetResourcePolicy")})
    assert denied_finding(lacks, "WriteCdc", denied) is None
    whole = denied_finding(setup(**THERE), "WriteCdc", denied)
    assert whole is not None
    assert whole.code == "function-role"
    as_role = denied_finding(setup(**AS_ROLE), "WriteCdc", NOT_TRUSTED)
    assert as_role is not None
    assert as_role.code == "destination-role"
