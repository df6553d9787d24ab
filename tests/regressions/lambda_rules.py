"""What Lambda's event source mappings do with messages and answers, as its guide has it.

Developer guide: "Using Lambda with Amazon SQS", "Implementing partial batch responses", "Event filtering".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]


def kept_in_queue(call: Callable[[], Any], records: Sequence[Record]) -> list[str]:
    """The ids of the messages that stay in the queue after a call: an error keeps all, an unknown answer none."""
    try:
        answer = call()
    except Exception:  # noqa: BLE001  whatever a function raises fails its batch
        return [record["messageId"] for record in records]
    failures = answer.get("batchItemFailures") if isinstance(answer, dict) else None
    return [failure["itemIdentifier"] for failure in failures or []]


def retried_from_stream(call: Callable[[], Any], records: Sequence[Record]) -> list[str]:
    """The numbers that are read again: from the lowest reported one on; an answer without any moves the checkpoint."""
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    try:
        answer = call()
    except Exception:  # noqa: BLE001  whatever a function raises fails its batch
        return numbers
    failures = answer.get("batchItemFailures") if isinstance(answer, dict) else None
    if not failures:
        return []
    lowest = min(int(failure["itemIdentifier"]) for failure in failures)
    return [number for number in numbers if int(number) >= lowest]


def delivered(settings: Mapping[str, Any], records: Sequence[Record]) -> list[Record]:
    """The messages that a queue's mapping delivers; Lambda deletes those that its filters do not match."""
    filters = settings.get("FilterCriteria", {}).get("Filters", [])
    patterns = [json.loads(entry["Pattern"]) for entry in filters]
    # Only `body` can be matched of a message of SQS: whatever else a pattern names is absent.
    return [record for record in records if not patterns or any(set(pattern) == {"body"} for pattern in patterns)]


def seen(settings: Mapping[str, Any], before_active: Sequence[Record], after: Sequence[Record]) -> list[Record]:
    """The records that a stream's mapping delivers, of those written before and after it became active."""
    return [*after] if settings["StartingPosition"] == "LATEST" else [*before_active, *after]
