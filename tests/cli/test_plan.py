"""`ddb-migration plan`, from what AWS tells to what is printed."""

from __future__ import annotations

import datetime
import json
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from ddb_migration.aws.destination_lock import DestinationLock, Holder
from ddb_migration_construct.cli import clients
from ddb_migration_construct.cli.main import app
from ddb_migration_construct.cli.plan_traffic import Expected
from ddb_migration_construct.cli.planning import Pair, Plan, Wishes, make_plan
from ddb_migration_construct.cli.price_list import PRODUCTS, read_prices
from tests.fakes.aws import FakeAws
from tests.fakes.client_errors import client_error
from tests.fakes.making import create_table

ACCOUNT = "123456789012"
HOURS = {3: 7200.0, 50: 360_000.0}


class FakeCloudWatch:
    """Write units by the hour."""

    def __init__(self, units: dict[int, float]) -> None:
        self.units = units
        self.denied = False
        self.asked: list[dict[str, Any]] = []

    def get_metric_statistics(self, **asked: Any) -> dict[str, Any]:
        if self.denied:
            raise client_error("GetMetricStatistics", "AccessDenied")
        self.asked.append(asked)
        return {"Datapoints": [{"Sum": units} for units in self.units.values()]}


class FakePricing:
    """A Price List of one product for each usage type."""

    def __init__(self, prices: dict[str, float], prefix: str = "USE1-") -> None:
        self.prices = prices
        self.prefix = prefix
        self.filters: list[Any] = []
        self.fails = False

    def get_paginator(self, operation: str) -> FakePricing:
        assert operation == "get_products"
        return self

    def paginate(self, ServiceCode: str, Filters: list[Any]) -> Any:  # noqa: N803  boto3's own names
        if self.fails:
            raise client_error("GetProducts", "AccessDeniedException")
        self.filters.append((ServiceCode, Filters))
        usages = [usage for service, usages in PRODUCTS.values() if service == ServiceCode for usage in usages]
        others = [("IA-WriteRequestUnits", 9.0), (f"{self.prefix}IncrementalExportDataSize-Bytes", 9.0)]
        listed = [(f"{self.prefix}{usage}", self.prices[usage]) for usage in usages if usage in self.prices]
        yield {"PriceList": [json.dumps(product(*one)) for one in [*listed, *others]]}


def product(usage: str, price: float) -> dict[str, Any]:
    tiers = {
        "b": {"beginRange": "25", "pricePerUnit": {"USD": str(price)}},
        "a": {"beginRange": "0", "pricePerUnit": {"USD": "0.0000000000"}},
        "c": {"beginRange": "1000", "pricePerUnit": {"USD": str(price / 2)}},
    }
    return {"product": {"attributes": {"usagetype": usage}}, "terms": {"OnDemand": {"x": {"priceDimensions": tiers}}}}


PRICES = {
    "ExportDataSize-Bytes": 0.1,
    "ReadRequestUnits": 0.125e-6,
    "WriteRequestUnits": 0.625e-6,
    "Requests-FIFO-RBP": 0.5e-6,
    "Request-ARM": 0.2e-6,
    "Lambda-GB-Second-ARM": 0.0000133334,
    "ETL-DPU-Hour": 0.44,
}


NOTHING = Expected()


class World:
    """Two tables, what CloudWatch has of them, and prices."""

    def __init__(self) -> None:
        self.aws = FakeAws()
        dynamodb = self.aws.dynamodb
        self.source = create_table(dynamodb, "orders", ("pk", "S"), stream="NEW_IMAGE")
        self.destination = create_table(dynamodb, "orders-v2", ("pk", "S"))
        dynamodb.tables["orders"].description.update(TableSizeBytes=5_000_000_000, ItemCount=5_000_000)
        self.cloudwatch = FakeCloudWatch(HOURS)
        self.pricing = FakePricing(PRICES)
        self.others: dict[str, Any] = {
            "cloudwatch": self.cloudwatch,
            "pricing": self.pricing,
            "sts": SimpleNamespace(get_caller_identity=lambda: {"Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/me/me"}),
        }

    def client(self, service: str) -> Any:
        return self.others.get(service) or self.aws.client(service)

    def plan(self, expected: Expected = NOTHING, **wishes: Any) -> Plan:
        return make_plan(self.client, Pair("orders", "orders", "orders-v2", Wishes(**wishes)), expected)


@pytest.fixture
def world() -> World:
    return World()


def text(plan: Plan) -> str:
    return "\n".join(plan.lines())


def test_a_plan_of_two_sound_tables(world: World) -> None:
    planned = world.plan()
    told = text(planned)
    assert planned.findings == ()
    assert not planned.stops
    assert "mode       direct: a consistent Scan" in told
    assert "4.66 GiB in 5,000,000 items" in told
    # 360,000 units in the busiest hour, one an item.
    assert "changes    100.0 a second (busiest hour: ConsumedWriteCapacityUnits of 7 days, 1 unit an item)" in told
    assert "at the least, to ReadyToCutOver" in told
    assert "writes of the bulk load" in told
    assert "5,000,000  write units  3.13  ItemCount" in told
    assert "fits" in told
    assert "at list prices" in told


def test_cloudwatch_is_asked_for_the_last_week_by_the_hour(world: World) -> None:
    world.plan()
    (asked,) = world.cloudwatch.asked
    assert asked["Dimensions"] == [{"Name": "TableName", "Value": "orders"}]
    assert asked["EndTime"] - asked["StartTime"] == datetime.timedelta(days=7)
    assert (asked["Period"], asked["Statistics"]) == (3600, ["Sum"])


def test_what_the_caller_expects_comes_first(world: World) -> None:
    planned = world.plan(Expected(7, 2, 1))
    assert planned.computed is not None
    found = planned.computed.traffic
    assert [found.busiest.value, found.mean.value, found.hottest_key.value, found.days_in_step.value] == [7, 7, 2, 1]
    assert world.cloudwatch.asked == []


def test_findings_are_those_of_setup_check(world: World) -> None:
    world.aws.dynamodb.put_item(TableName="orders-v2", Item={"pk": {"S": "jane@example.com"}})
    DestinationLock(world.aws.ssm, world.destination, Holder("Stack/Other", "c", "q", "p")).acquire()
    planned = world.plan(size_threshold_bytes=0)
    assert [finding.code for finding in planned.findings] == [
        *("source-recovery-off", "destination-not-empty", "destination-locked"),
    ]
    assert planned.stops
    assert "jane" not in text(planned)
    assert "finding 3  [destination-locked]" in text(planned)


def test_a_rollback_window_is_looked_at_and_paid_for(world: World) -> None:
    planned = world.plan(rollback_window_seconds=2 * 86_400)
    assert [finding.code for finding in planned.findings] == ["destination-stream-off"]
    told = text(planned)
    assert "Way back" in told
    assert "way back, watermarks" in told
    assert "leave rollback_window out" in told
    assert "way back" not in text(world.plan()).lower()


def test_the_window_is_given_in_hours(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "client", world.client)
    words = ["plan", "--source", "orders", "--destination", "orders-v2", "--changes-per-second", "1"]
    planned = CliRunner().invoke(app, [*words, "--rollback-window", "24", "--json"])
    lines = {line["name"]: line["amount"] for line in json.loads(planned.stdout)["bill"]}
    assert lines["way back, watermarks"] == 3 * 86_400
    assert planned.exit_code == 3
    assert CliRunner().invoke(app, [*words, "--rollback-window", "169"]).exit_code == 2


def test_a_policy_without_room_for_a_fence_is_found(world: World) -> None:
    statement = {"Sid": "x" * 20_000, "Effect": "Allow", "Principal": "*", "Action": "dynamodb:Scan", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    for table in (world.source, world.destination):
        world.aws.dynamodb.put_resource_policy(ResourceArn=table, Policy=policy)
    assert [finding.code for finding in world.plan(fence_source_writes=True).findings] == ["fence-policy"]
    both = {finding.code for finding in world.plan(rollback_window_seconds=3600).findings}
    assert both == {"fence-policy", "destination-stream-off", "destination-fence-policy"}


def test_a_missing_table_is_a_finding_and_leaves_no_figures(world: World) -> None:
    planned = make_plan(world.client, Pair("x", "orders", "nowhere", Wishes()), Expected())
    assert [finding.code for finding in planned.findings] == ["destination-missing"]
    assert planned.computed is None
    assert json.dumps(planned.values())


def test_an_advised_finding_stops_as_it_stops_setup_check_until_it_is_accepted(world: World) -> None:
    world.aws.dynamodb.tables["orders-v2"].expires_by = "ends"
    planned = world.plan()
    assert (planned.stops, [found["accepted"] for found in planned.values()["findings"]]) == (True, [False])
    assert "finding 1  [time-to-live-differs] (advised; accept with" in text(planned)
    accepted = world.plan(accepted_findings=["time-to-live-differs"])
    assert (accepted.stops, [found["accepted"] for found in accepted.values()["findings"]]) == (False, [True])
    assert "accepted   [time-to-live-differs]" in text(accepted)
    assert "findings   none" in text(accepted)


def test_a_required_finding_cannot_be_accepted(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    monkeypatch.setattr(clients, "client", world.client)
    words = ["plan", "--source", "orders", "--destination", "orders-v2", "--accepted-findings"]
    assert CliRunner().invoke(app, [*words, "forecast"]).exit_code == 0
    refused = CliRunner().invoke(app, [*words, "key-schema"])
    assert (refused.exit_code, "no advised finding; those are stream-readers" in refused.output) == (1, True)


def test_a_look_that_is_denied_is_named_and_stops_nothing(world: World) -> None:
    world.cloudwatch.denied = True
    world.aws.dynamodb.fail("DescribeTimeToLive", *[client_error("DescribeTimeToLive", "AccessDeniedException")] * 2)
    planned = world.plan()
    assert not planned.stops
    assert "not seen   An error occurred (AccessDeniedException)" in text(planned)
    assert "unknown, CloudWatch is denied; give --changes-per-second" in text(planned)


def test_without_a_price_list_the_plan_is_in_units(world: World) -> None:
    world.pricing.fails = True
    told = text(world.plan())
    assert "money      the AWS Price List cannot be read" in told
    assert "5,000,000  write units" in told
    assert "at list prices" not in told


def test_prices_are_of_the_region_and_of_the_first_tier_that_costs() -> None:
    pricing = FakePricing(PRICES)
    found = read_prices(pricing, "us-east-1")
    assert found.missing is None
    assert found.known == {
        "export": 0.1,
        "reads": 0.125e-6,
        "writes": 0.625e-6,
        "sqs-requests": 0.5e-6,
        "lambda-requests": 0.2e-6,
        "lambda": 0.0000133334,
        "glue": 0.44,
    }
    assert all(filters[0]["Value"] == "us-east-1" for _, filters in pricing.filters)


@pytest.mark.parametrize("prefix", ["", "EU-", "APN1-", "UGW1-"])
def test_usage_types_are_known_with_and_without_their_regions_prefix(prefix: str) -> None:
    assert read_prices(FakePricing(PRICES, prefix), "r").missing is None


def test_a_price_that_is_not_listed_is_named() -> None:
    lacking = {usage: price for usage, price in PRICES.items() if usage != "ETL-DPU-Hour"}
    assert read_prices(FakePricing(lacking), "r").missing == "the AWS Price List has no price of glue in r"


def test_a_source_that_nobody_writes_to_says_so(world: World) -> None:
    world.cloudwatch.units = {}
    assert "changes    0.0 a second (busiest hour: CloudWatch has no writes of the last 7 days)" in text(world.plan())


def test_json_has_every_figure_with_its_source(world: World) -> None:
    told = json.loads(json.dumps(world.plan().values()))
    assert told["fits"] is True
    assert {line["name"] for line in told["bill"]} >= {"watermarks", "Glue", "change queue"}
    assert all(figure["source"] for figure in (*told["phases"], *told["bill"]))
    assert all(line["usd"] is not None for line in told["bill"])


def test_the_command(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "client", world.client)
    answer = CliRunner().invoke(app, ["plan", "--source", "orders", "--destination", "orders-v2", "--json"])
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.output)["migration"] == "orders to orders-v2"
    refused = CliRunner().invoke(app, ["plan", "--source", "nowhere", "--destination", "orders-v2"])
    assert refused.exit_code == 3
    assert "source-missing" in refused.output


def test_the_command_needs_tables_or_an_app() -> None:
    answer = CliRunner().invoke(app, ["plan", "--source", "orders"])
    assert answer.exit_code == 1
    assert "--destination" in answer.output
