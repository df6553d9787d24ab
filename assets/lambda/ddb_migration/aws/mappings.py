"""Event source mappings: created while the migration runs, because the stream may not exist before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from ddb_migration.aws.errors import code

ENABLED = "Enabled"
DISABLED = "Disabled"
# Lambda API: a mapping that is being changed, or is gone, cannot be changed now; the next look sees how it ended.
_NOT_NOW = ("ResourceInUseException", "ResourceNotFoundException", "ResourceConflictException")
# Lambda's guide warns that LATEST may miss events while a mapping is created or updated; TRIM_HORIZON replays
# up to a day of old changes, which is harmless. Retries for ever: blocking can be mended, discarding cannot.
STREAM_SETTINGS: Mapping[str, Any] = {
    "StartingPosition": "TRIM_HORIZON",
    "BatchSize": 1000,
    "MaximumBatchingWindowInSeconds": 2,
    "MaximumRetryAttempts": -1,
    "MaximumRecordAgeInSeconds": -1,
    "FunctionResponseTypes": ["ReportBatchItemFailures"],
}
# Lambda's guide: what a filter does not let through is discarded, of a queue deleted. Where the account may not decrypt
# a filter, the error stands in its place. With a window the function would have to carry a state on.
_NEVER_SET = ("FilterCriteria", "FilterCriteriaError", "TumblingWindowInSeconds")
# With other values Lambda gives up what the function has not taken, or does not ask which messages failed.
_KEEP_ALL = ("MaximumRetryAttempts", "MaximumRecordAgeInSeconds", "FunctionResponseTypes")


class ForeignMapping(Exception):
    """A mapping of our function stands there with settings that are not ours."""


class RoleNotReady(Exception):
    """Lambda says that the function's role may not read the source of events, or not yet."""


def queue_settings(max_concurrency: int) -> dict[str, Any]:
    """Return the settings of the mapping from the change queue."""
    return {
        "BatchSize": 10,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": max_concurrency},
    }


class Mappings:
    """The event source mappings of a migration's own functions, named by function ARN."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def of(self, function: str, source_arn: str | None = None) -> list[dict[str, Any]]:
        """Return a function's mappings, of one source or of all."""
        return self._list(FunctionName=function, **({"EventSourceArn": source_arn} if source_arn else {}))

    def of_source(self, source_arn: str) -> list[dict[str, Any]]:
        """Return every mapping of this account that reads a source of events."""
        return self._list(EventSourceArn=source_arn)

    def _list(self, **query: str) -> list[dict[str, Any]]:
        pages = self._client.get_paginator("list_event_source_mappings").paginate(**query)
        return [mapping for page in pages for mapping in page["EventSourceMappings"]]

    def ensure_stream(self, function: str, stream_arn: str) -> dict[str, Any]:
        """Create the mapping from the stream, or adopt the one that stands there with exactly these settings.

        Raises ForeignMapping when it has other settings, RoleNotReady while the role may not read the stream.
        """
        found = self.of(function, stream_arn)
        if not found:
            return self._create(function, stream_arn, STREAM_SETTINGS)
        if setting := _other_than(found[0], STREAM_SETTINGS) or discarding(found[0]):
            raise ForeignMapping(
                f"{_named(found[0])} has {setting}, so it may have skipped changes; give the migration up "
                "(ddb-migration abort)"
            )
        return self._enable(found[0], {})

    def ensure_queue(self, function: str, queue_arn: str, max_concurrency: int) -> dict[str, Any]:
        """Create or enable the mapping from the change queue, with today's concurrency.

        Raises ForeignMapping when it may have deleted messages that were not applied.
        """
        settings = queue_settings(max_concurrency)
        found = self.of(function, queue_arn)
        if not found:
            return self._create(function, queue_arn, settings)
        if setting := discarding(found[0]):
            raise ForeignMapping(
                f"{_named(found[0])} has {setting}, so it may have deleted changes that were not applied; delete that "
                "mapping and start again: the migration makes its own, and Verify finds what is missing"
            )
        adjustable = {name: settings[name] for name in ("BatchSize", "ScalingConfig")}
        changed = {name: wanted for name, wanted in adjustable.items() if found[0].get(name) != wanted}
        return self._enable(found[0], changed)

    def disable(self, function: str, source_arn: str) -> bool:
        """Ask for a mapping to be disabled; True once it is, or where there is none."""
        found = self.of(function, source_arn)
        if not found or found[0]["State"] == DISABLED:
            return True
        self.switch(found[0], enabled=False)
        return False

    def enable(self, function: str, source_arn: str) -> bool:
        """Ask for a mapping to be enabled; True once it is, or where there is none.

        One that is Disabling cannot be changed before it is Disabled: the next look enables it.
        """
        found = self.of(function, source_arn)
        if not found or found[0]["State"] == ENABLED:
            return True
        if found[0]["State"] == DISABLED:
            self.switch(found[0], enabled=True)
        return False

    def delete(self, mapping: Mapping[str, Any]) -> None:
        """Ask for a mapping's deletion; one that is changing or gone is left to the next look."""
        self._ask(lambda: self._client.delete_event_source_mapping(UUID=mapping["UUID"]))

    def switch(self, mapping: Mapping[str, Any], enabled: bool) -> None:
        """Ask for a mapping to be Enabled or Disabled; one that is changing or gone is left to the next look."""
        self._ask(lambda: self._client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=enabled))

    def _ask(self, call: Callable[[], object]) -> None:
        try:
            call()
        except ClientError as error:
            if code(error) not in _NOT_NOW:
                raise

    def _create(self, function: str, source_arn: str, settings: Mapping[str, Any]) -> dict[str, Any]:
        try:
            created: dict[str, Any] = self._client.create_event_source_mapping(
                FunctionName=function, EventSourceArn=source_arn, Enabled=True, **settings
            )
        except ClientError as error:
            if code(error) != "InvalidParameterValueException":
                raise
            raise RoleNotReady(str(error)) from error
        return created

    def _enable(self, mapping: dict[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
        if mapping["State"] in (ENABLED, "Enabling", "Creating", "Updating") and not changed:
            return mapping
        updated: dict[str, Any] = self._client.update_event_source_mapping(
            UUID=mapping["UUID"], Enabled=True, **changed
        )
        return updated


def works(mapping: Mapping[str, Any]) -> bool:
    """Tell whether a mapping is Enabled, reports no problem, and hands over all that it reads."""
    return mapping["State"] == ENABLED and problem(mapping) is None and discarding(mapping) is None


def told_discarding(mapping: Mapping[str, Any]) -> str | None:
    """Return that a mapping discards changes and what to do, None where it hands over all that it reads."""
    setting = discarding(mapping)
    return setting and f"{_named(mapping)} has {setting}, by which Lambda discards changes: set it back"


def discarding(mapping: Mapping[str, Any]) -> str | None:
    """Return the setting by which a mapping discards what was not taken or applied, None where there is none.

    Of a filter only that there is one: its patterns may hold item data.
    """
    for name in _NEVER_SET:
        value = mapping.get(name)
        if value and value != {"Filters": []}:
            return name
    return _other_than(mapping, {name: STREAM_SETTINGS[name] for name in _KEEP_ALL if _concerns(mapping, name)})


def _concerns(mapping: Mapping[str, Any], name: str) -> bool:
    """Tell whether a setting is one of this mapping's: a queue's has neither attempts nor an age."""
    return name in mapping or name == "FunctionResponseTypes"


def _other_than(mapping: Mapping[str, Any], settings: Mapping[str, Any]) -> str | None:
    for name, wanted in settings.items():
        if mapping.get(name) != wanted:
            return f"{name} = {mapping.get(name)!r}, not {wanted!r}"
    return None


def _named(mapping: Mapping[str, Any]) -> str:
    return f"the mapping {mapping['UUID']} of {mapping['FunctionArn']}"


def problem(mapping: Mapping[str, Any]) -> str | None:
    """Return what Lambda reports as wrong with a mapping's last read or call, None when nothing is."""
    result = str(mapping.get("LastProcessingResult") or "")
    return result if result.startswith("PROBLEM") else None
