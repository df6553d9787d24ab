"""Repair: has the keys that a verify pass found different read again, and sees that they are equal then."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ddb_migration import names
from ddb_migration.aws.rereads import Reread, Rereads
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.item_key import canonical_key
from ddb_migration.core.verify_report import EXTRA, Difference, VerifyReport
from enable_trigger.parts import Answer, Call, Parts, again, done, paused

LOOK_SECONDS = 15
# Keys that are not equal by then change without end, or their writes are rejected.
MOST_LOOKS = 20
# The function has 60 s, and large items take long to compare; what one look does not come to is first at the next.
COMPARING_SECONDS = 20.0
# More differences than these had a cause that may have more effects: both tables are read again.
MOST_WITHOUT_PASS = 100
MOST_PASSES = 3


def run(parts: Parts, call: Call) -> Answer:
    """Send rereads of what differs, look at it until it is equal, and answer whether another pass is needed.

    What stays different does not fail the execution: it keeps the gate closed, and the report says why.
    """
    record = parts.control.enter(call.execution, names.REPAIR_STATE)
    if waits := paused(call, record):
        return waits
    objects = parts.verify_objects(str(record.epoch), str(record.verify_pass))
    report = objects.report()
    if report is None:
        # The next pass was asked for, and the answer was lost.
        return done(epoch=record.epoch, verify_again=True)
    if report.repairs.ended_at is None:
        report, goes_on = _step(parts, call, record, report)
        objects.keep_report(report)
        if goes_on:
            looks = int(call.last.get("looks", -1)) + 1
            return again(LOOK_SECONDS, sent=True, looks=looks, standing=report.standing)
    return _end(parts, call, report)


def _step(parts: Parts, call: Call, record: ControlRecord, report: VerifyReport) -> tuple[VerifyReport, bool]:
    """Send rereads, or look what they did; return the report as it is then, and whether to look once more."""
    report = _looked(parts, record, report) if call.last.get("sent") else _sent(parts, call, record, report)
    left = any(_is_repairable(parts, found) for found in report.differences)
    waits = left and int(call.last.get("looks", -1)) < MOST_LOOKS
    ended = None if waits else parts.clock()
    return report.repaired(replace(report.repairs, ended_at=ended), report.differences), waits


def _sent(parts: Parts, call: Call, record: ControlRecord, report: VerifyReport) -> VerifyReport:
    rereads = [Reread(found.key) for found in report.differences if _is_repairable(parts, found)]
    arrived = sum(Rereads(parts.queue, report.epoch, parts.sleep).send(rereads))
    if arrived:
        parts.control.note_repairs(call.execution, record.verify_repairs + arrived)
    return report.repaired(replace(report.repairs, sent=arrived), report.differences)


def _looked(parts: Parts, record: ControlRecord, report: VerifyReport) -> VerifyReport:
    """Take what is equal now from the differences, and what the destination has rejected: that is parked."""
    agrees = _compared(parts, record, report.differences)
    unseen = [found for found in report.differences if canonical_key(found.key) not in agrees]
    unequal = [found for found in report.differences if agrees.get(canonical_key(found.key)) is False]
    watermarks = Watermarks(parts.control.rows, report.stream_arn, parts.clock)
    listed = watermarks.lists((found.key for found in unequal), report.epoch)
    standing = [found for found in unequal if canonical_key(found.key) not in listed]
    before = report.repairs
    repaired = before.repaired + sum(agrees.values())
    return report.repaired(replace(before, repaired=repaired, listed=before.listed + len(listed)), [*unseen, *standing])


def _compared(parts: Parts, record: ControlRecord, differences: Iterable[Difference]) -> dict[str, bool]:
    """Tell of differences, as far as the time allows, whether the keys are equal now."""
    sides, until = parts.sides_at(record.max_read_units_per_second), parts.clock() + COMPARING_SECONDS
    agrees: dict[str, bool] = {}
    for text, is_equal in sides.compared({canonical_key(found.key): found.key for found in differences}):
        agrees[text] = is_equal
        if parts.clock() + sides.wait() >= until:
            break
    return agrees


def _is_repairable(parts: Parts, found: Difference) -> bool:
    return found.kind != EXTRA or parts.settings.repair_extra


def _end(parts: Parts, call: Call, report: VerifyReport) -> Answer:
    verify_again = _needs_pass(report)
    if verify_again:
        parts.control.next_pass(call.execution, report.pass_id, str(int(report.pass_id) + 1))
    else:
        parts.control.note_verify(report)
    return done(
        epoch=report.epoch,
        verify_again=verify_again,
        pass_id=report.pass_id,
        verdict=report.verdict,
        found=report.found.differences,
        repaired=report.repairs.repaired,
        standing=report.standing,
        unchecked=report.found.unchecked,
    )


def _needs_pass(report: VerifyReport) -> bool:
    """Tell whether both tables are to be read again; a pass that somebody ran by hand is theirs to repeat."""
    if not report.pass_id.isdigit() or int(report.pass_id) >= MOST_PASSES:
        return False
    repaired_many = report.found.differences > MOST_WITHOUT_PASS and report.repairs.repaired > 0
    return repaired_many or report.found.unchecked > 0
