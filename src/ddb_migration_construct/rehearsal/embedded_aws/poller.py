"""What the pollers of streams and queues have in common: the role's clients, invoking, what they report."""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import dataclass
from typing import Any

from .clients import Clients, root
from .faults import FAILED, PARTLY_FAILED, REPEATED, REPEATED_LATE, TIMED_OUT, Faults
from .service_roles import clients_as

NOTHING_YET = "No records processed"
OK = "OK"
_CALL_FAILED = "PROBLEM: Function call failed"
_PAUSE_AFTER_PROBLEM_SECONDS = 1.0
# No batch of SQS holds more.
_LATE_RECORDS = 10
_PAYLOAD_BYTES = 6 * 1024 * 1024


@dataclass(frozen=True)
class Outcome:
    """What a function made of a batch: it failed as a whole, or the identifiers it reported as failed.

    `injected` are those among them that the function has not reported itself.
    """

    failed: bool
    reported: frozenset[str] = frozenset()
    injected: frozenset[str] = frozenset()

    @property
    def succeeded(self) -> bool:
        """Whether every record was processed."""
        return not self.failed and not self.reported


class Poller:
    """One enabled event source mapping being polled with the credentials of its function's role."""

    def __init__(self, mapping: dict[str, Any], faults: Faults) -> None:
        self.mapping = mapping
        self._faults = faults
        self._late: dict[str, list[dict[str, Any]]] = {}
        self.result = NOTHING_YET
        self.stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def workers(self) -> int:
        """How many batches may be in flight at once."""
        return 1

    def start(self) -> None:
        """Poll in threads until told to stop."""
        for number in range(self.workers):
            name = f"poller-{self.mapping['UUID'][:8]}-{number}"
            thread = threading.Thread(target=self._work, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def is_busy(self) -> bool:
        """Whether a batch may still be in flight."""
        return any(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        while not self.stopping.is_set():
            try:
                self.poll()
            except Exception as error:  # noqa: BLE001  shown as LastProcessingResult; the mapping goes on
                self._report(f"PROBLEM: {error}")
                self.stopping.wait(_PAUSE_AFTER_PROBLEM_SECONDS)

    def poll(self) -> None:
        """Fetch and process what there is; return soon."""
        # Each kind of event source has its own.
        raise NotImplementedError

    def _report(self, result: str) -> None:
        if result != self.result and result != OK:
            print(f"{self.mapping['EventSourceArn']} -> {self.function_name}: {result}", file=sys.stderr)
        self.result = result

    @property
    def function_name(self) -> str:
        """The name in the function's ARN."""
        return str(self.mapping["FunctionArn"]).split(":")[6]

    @property
    def clients(self) -> Clients:
        """Clients that sign with a session of the function's role."""
        function = root["lambda"].get_function_configuration(FunctionName=self.mapping["FunctionArn"])
        return clients_as(function["Role"], "lambda.amazonaws.com", self.function_name)

    def order_of(self, record: dict[str, Any]) -> str:
        """Return what the record is in order with: everything that comes from the same poller."""
        return ""

    def invoke(self, records: list[dict[str, Any]]) -> Outcome:
        """Invoke the function with one batch, read what it reports, and let faults come between."""
        faults = self._faults
        if faults.strike(FAILED):
            return Outcome(failed=True)
        outcome = self._invoke(records)
        if faults.strike(REPEATED):
            outcome = self._invoke(records)
        self._repeat_late(records)
        if faults.strike(REPEATED_LATE):
            for record in records:
                self._late.setdefault(self.order_of(record), []).append(record)
        if faults.strike(TIMED_OUT):
            # After its work was done, which is the worst moment: everything will be done again.
            return Outcome(failed=True)
        return self._partly_failed(records, outcome)

    def _repeat_late(self, records: list[dict[str, Any]]) -> None:
        """Give records of earlier batches once more, while nobody else works on what they are in order with."""
        orders = dict.fromkeys(self.order_of(record) for record in records)
        late = [record for order in orders for record in self._late.pop(order, [])]
        for part in parts_within_payload(late):
            if part:
                self._invoke(part[:_LATE_RECORDS])

    def _partly_failed(self, records: list[dict[str, Any]], outcome: Outcome) -> Outcome:
        reports = "ReportBatchItemFailures" in (self.mapping.get("FunctionResponseTypes") or [])
        if outcome.failed or not reports or not self._faults.strike(PARTLY_FAILED):
            return outcome
        chosen = {_identifier(record) for record in self._faults.some(PARTLY_FAILED, records)}
        return Outcome(False, outcome.reported | chosen, frozenset(chosen - outcome.reported))

    def _invoke(self, records: list[dict[str, Any]]) -> Outcome:
        answer = root["lambda"].invoke(
            FunctionName=self.mapping["FunctionArn"], Payload=json.dumps({"Records": records}).encode()
        )
        content = answer["Payload"].read()
        if answer.get("FunctionError"):
            self._report(f"{_CALL_FAILED}: {content.decode(errors='replace')[:500]}")
            return Outcome(failed=True)
        self._report(OK)
        if "ReportBatchItemFailures" not in (self.mapping.get("FunctionResponseTypes") or []):
            return Outcome(failed=False)
        return _reported(content, {_identifier(record) for record in records})


def _identifier(record: dict[str, Any]) -> str:
    return str(record["messageId"] if "messageId" in record else record["dynamodb"]["SequenceNumber"])


def _reported(content: bytes, known: set[str]) -> Outcome:
    """An identifier that is empty or unknown makes the whole batch a failure, as on AWS."""
    response = json.loads(content or b"null")
    failures = response.get("batchItemFailures") if isinstance(response, dict) else None
    identifiers = {str(failure.get("itemIdentifier") or "") for failure in failures or []}
    if not identifiers <= known:
        return Outcome(failed=True)
    return Outcome(failed=False, reported=frozenset(identifiers))


def parts_within_payload(records: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The records in order, cut where an invocation's payload would exceed 6 MB."""
    parts: list[list[dict[str, Any]]] = [[]]
    size = 0
    for record in records:
        bytes_of_record = len(json.dumps(record))
        if parts[-1] and size + bytes_of_record > _PAYLOAD_BYTES:
            parts.append([])
            size = 0
        parts[-1].append(record)
        size += bytes_of_record
    return parts
