"""Prices of a Region, from the AWS Price List."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ddb_migration.core.bill import EXPORT, GLUE, LAMBDA, READS, REQUESTS_LAMBDA, REQUESTS_SQS, WRITES

# The service's code, and the product's usage type without the Region's prefix, in the order of preference.
PRODUCTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    EXPORT: ("AmazonDynamoDB", ("ExportDataSize-Bytes",)),
    READS: ("AmazonDynamoDB", ("ReadRequestUnits",)),
    WRITES: ("AmazonDynamoDB", ("WriteRequestUnits",)),
    REQUESTS_SQS: ("AWSQueueService", ("Requests-FIFO-Tier1", "Requests-FIFO-RBP")),
    REQUESTS_LAMBDA: ("AWSLambda", ("Request-ARM",)),
    LAMBDA: ("AWSLambda", ("Lambda-GB-Second-ARM",)),
    GLUE: ("AWSGlue", ("ETL-DPU-Hour",)),
}
# In front of a usage type this is a table class (Infrequent Access), where others have the Region's short name.
_NOT_A_REGION = "IA"
_CURRENCY = "USD"


@dataclass(frozen=True)
class Prices:
    """Prices in USD by what they are of, and why some, or all, are missing."""

    known: Mapping[str, float] = field(default_factory=dict)
    missing: str | None = None


def read_prices(pricing: Any, region: str) -> Prices:
    """Return the list prices of a Region; without a right or a way to the Price List there are none, and why."""
    known: dict[str, float] = {}
    try:
        for service in sorted({service for service, _ in PRODUCTS.values()}):
            known.update(_of_service(service, list(_products(pricing, service, region))))
    except (BotoCoreError, ClientError) as error:
        return Prices(missing=f"the AWS Price List cannot be read ({error}), so this plan is in units")
    lacking = [name for name in PRODUCTS if name not in known]
    return Prices(known, f"the AWS Price List has no price of {', '.join(lacking)} in {region}" if lacking else None)


def _of_service(service: str, products: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    by_usage: dict[str, float] = {}
    for product in products:
        usage = _without_region(str(product["product"]["attributes"].get("usagetype", "")))
        by_usage[usage] = max(by_usage.get(usage, 0.0), *_first_prices(product), 0.0)
    found = {}
    for name, (of, usages) in PRODUCTS.items():
        prices = [by_usage[usage] for usage in usages if by_usage.get(usage)]
        if of == service and prices:
            found[name] = prices[0]
    return found


def _products(pricing: Any, service: str, region: str) -> Iterator[Mapping[str, Any]]:
    filters = [{"Type": "TERM_MATCH", "Field": "regionCode", "Value": region}]
    for page in pricing.get_paginator("get_products").paginate(ServiceCode=service, Filters=filters):
        yield from (json.loads(product) for product in page["PriceList"])


def _without_region(usage: str) -> str:
    """`USE1-WriteRequestUnits` and, in the oldest Region, `WriteRequestUnits` are the same."""
    prefix, _, rest = usage.partition("-")
    is_region = prefix.isalnum() and prefix.isupper() and prefix not in (_NOT_A_REGION, "ETL")
    return rest if rest and is_region else usage


def _first_prices(product: Mapping[str, Any]) -> Iterator[float]:
    """Yield the price of the first tier that costs anything, of each offer: tiers below are free allowances."""
    for offer in product.get("terms", {}).get("OnDemand", {}).values():
        tiers = sorted(offer["priceDimensions"].values(), key=lambda tier: float(tier.get("beginRange", 0)))
        prices = [float(tier["pricePerUnit"].get(_CURRENCY, 0)) for tier in tiers]
        yield next((price for price in prices if price), 0.0)
