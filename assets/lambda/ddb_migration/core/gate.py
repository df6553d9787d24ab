"""The gate: what must hold before the application is switched to the destination, or back to the source.

Nobody can talk past it: it looks at facts only, and knows no force. The one word that it takes from an operator is
the id of a sampled verify pass, which opens it by name, and which the report shows.
"""

from __future__ import annotations

from dataclasses import dataclass

from ddb_migration.core.direction import FORWARD, Direction
from ddb_migration.core.lag import LOW_SECONDS, is_low
from ddb_migration.core.moments import utc


@dataclass(frozen=True)
class VerifyVerdict:
    """How the last verify pass of the epoch stands, repairs included.

    `sample` is the share of the keys that it read, 1.0 for all; `segments` are those that it was to compare,
    `compared_segments` those that it did; `differences` are what is left. `ended` is False while it has no result.
    """

    verify_pass: str
    segments: int = 0
    compared_segments: int = 0
    differences: int = 0
    sample: float = 1.0
    ended: bool = True

    @property
    def is_clean(self) -> bool:
        """Tell whether all that it was to read was compared, and nothing differs."""
        return self.ended and self.differences == 0 and 0 < self.segments == self.compared_segments

    @property
    def is_full(self) -> bool:
        """Tell whether it read every key."""
        return self.sample >= 1.0


@dataclass(frozen=True)
class GateFacts:
    """All that the gate looks at; times are in epoch seconds.

    `lag_seconds` is None while it is not known. `verified_at` is when the last clean and full verify pass of the
    epoch began, `verdict` that of the last pass of all. `stuck_keys` are changed keys that stay different although
    they were read again. `current_stream_arn` is None where the source has no stream any more. `incomplete` says why
    changes may be missing, `incomplete_at` since when. `accepted_sample` is the sampled pass that an operator named.
    `paused_by` is who paused bulk load and apply, `paused_since` when; None while they work.
    `direction` is the way that the application would go; seen from it the tables are called source and destination.
    `no_way_back` says why a migration that is to be rolled back if need be could not be.
    """

    lag_seconds: float | None
    dead_letters: int
    parked: int
    stream_arn: str | None
    current_stream_arn: str | None
    verdict: VerifyVerdict | None
    verified_at: float | None = None
    stuck_keys: int = 0
    incomplete: str | None = None
    incomplete_at: float | None = None
    accepted_sample: str | None = None
    paused_by: str | None = None
    paused_since: float | None = None
    direction: Direction = FORWARD
    no_way_back: tuple[str, ...] = ()


def sample_of(facts: GateFacts) -> VerifyVerdict | None:
    """Return the sampled pass that the gate hangs on; None where a pass was whole, and before any has ended."""
    verdict = facts.verdict
    if verdict is None or not verdict.ended or verdict.is_full or facts.verified_at is not None:
        return None
    return verdict


def closed_because(facts: GateFacts) -> tuple[str, ...]:
    """Return why the switch is not allowed, each reason with what to do; nothing where the gate is open."""
    own = _OF_CUT_OVER if facts.direction is FORWARD else _OF_ROLL_BACK
    reasons = (
        # In a pause nobody can know the lag, so that would say nothing more.
        _paused(facts) or _lag(facts),
        _dead_letters(facts.dead_letters),
        _parked(facts),
        *(reason(facts) for reason in own),
        _stuck(facts),
        *facts.no_way_back,
    )
    return tuple(reason for reason in reasons if reason)


def _paused(facts: GateFacts) -> str | None:
    if facts.paused_by is None:
        return None
    return (
        f"{facts.paused_by} paused the migration at {utc(facts.paused_since)}, so the last changes would not be "
        "applied; let it go on: ddb-migration resume"
    )


def unready_because(facts: GateFacts, is_settled: bool) -> tuple[str, ...]:
    """Return why there would be no way back after a cut-over, given the facts of the reverse path.

    What it is behind by counts for nothing yet: before the cut-over it carries none of the changes.
    """
    if is_settled and facts.stream_arn == facts.current_stream_arn and facts.lag_seconds is not None:
        return ()
    what = "capture of the destination's changes has not settled"
    if is_settled:
        what = "Lambda reports a problem with a mapping of the reverse path"
    if is_settled and facts.stream_arn != facts.current_stream_arn:
        what = f"the destination's stream was replaced: it was {facts.stream_arn}"
    return (
        f"there would be no way back: {what}; stop the execution and start the migration again, or deploy it without "
        "rollback_window",
    )


def _lag(facts: GateFacts) -> str | None:
    seconds, way = facts.lag_seconds, facts.direction
    if is_low(seconds):
        return None
    if seconds is None:
        return (
            f"it is not known how far the {way.destination} is behind: changes wait and nobody reports taking them, or "
            "Lambda reports a problem with one of the two mappings; look at: ddb-migration status"
        )
    return (
        f"the {way.destination} is {seconds:.0f} s behind, and a {way.act} needs less than {LOW_SECONDS:.0f} s; wait, "
        f"or look for what throttles the {way.destination}: ddb-migration status"
    )


def _dead_letters(count: int) -> str | None:
    if count == 0:
        return None
    return f"{_of(count, 'change')} in the dead-letter queue; have them read again: ddb-migration reread --dead-letters"


def _parked(facts: GateFacts) -> str | None:
    if facts.parked == 0:
        return None
    it, each = ("it", "it") if facts.parked == 1 else ("them", "each of them")
    return (
        f"{_of(facts.parked, 'key')} parked, because the {facts.direction.destination} rejected {it} (which and why: "
        "ddb-migration status --parked-keys); mend the cause and run ddb-migration reread --parked, or accept "
        f"{each} as it is: ddb-migration accept"
    )


def _stream(facts: GateFacts) -> str | None:
    if facts.stream_arn is not None and facts.stream_arn == facts.current_stream_arn:
        return None
    now = facts.current_stream_arn or "no stream"
    return (
        f"the source's stream was replaced: this epoch captures {facts.stream_arn}, the source has {now}; changes "
        "between the two are lost, so abort this migration, empty the destination and start again: ddb-migration abort"
    )


def _verify(facts: GateFacts) -> str | None:
    verdict = facts.verdict
    if verdict is None:
        return "the tables have not been verified in this epoch; wait for it, or run: ddb-migration verify"
    if not verdict.ended:
        return (
            f"verify pass {verdict.verify_pass} has no result yet; wait for it, or, if its job run has ended, run: "
            "ddb-migration verify"
        )
    return _unclean(verdict) or _sample(facts, verdict)


def _unclean(verdict: VerifyVerdict) -> str | None:
    if verdict.is_clean:
        return None
    if verdict.differences:
        return (
            f"verify pass {verdict.verify_pass} has ended, and {_of(verdict.differences, 'key')} different; its report "
            "says which: ddb-migration report. Put them right, then run: ddb-migration verify"
        )
    return (
        f"verify pass {verdict.verify_pass} has compared {verdict.compared_segments} of {verdict.segments} segments; "
        "run it again: ddb-migration verify"
    )


def _sample(facts: GateFacts, verdict: VerifyVerdict) -> str | None:
    if sample_of(facts) is None or facts.accepted_sample == verdict.verify_pass:
        return None
    return (
        f"verify pass {verdict.verify_pass} read a sample of {verdict.sample:.2%} of the keys; verify all of them: "
        f"ddb-migration verify, or say that you cut over on this sample: ddb-migration cut-over --accept-sample "
        f"{verdict.verify_pass}"
    )


def _stuck(facts: GateFacts) -> str | None:
    if facts.stuck_keys == 0:
        return None
    return (
        f"{_of(facts.stuck_keys, 'key')} still different after having been read again and again; somebody else may "
        f"write to the {facts.direction.destination}. The report says which keys: ddb-migration report"
    )


def _incomplete(facts: GateFacts) -> str | None:
    if facts.incomplete is None or _was_verified_since(facts):
        return None
    return (
        f"changes may be missing ({facts.incomplete}), so the destination must be verified whole from now on; run: "
        "ddb-migration verify"
    )


def _was_verified_since(facts: GateFacts) -> bool:
    """Tell whether a clean full pass began after the loss; one that began before may have read a key too early."""
    if facts.verified_at is None or facts.incomplete_at is None:
        return False
    return facts.verified_at > facts.incomplete_at


def _stream_back(facts: GateFacts) -> str | None:
    if facts.stream_arn is not None and facts.stream_arn == facts.current_stream_arn:
        return None
    return (
        f"the destination's stream was replaced: {facts.stream_arn} was captured, it has "
        f"{facts.current_stream_arn or 'no stream'} now; {_NOT_BACK}"
    )


def _incomplete_back(facts: GateFacts) -> str | None:
    if facts.incomplete is None or _was_verified_since(facts):
        return None
    return f"changes of the destination may be missing at the source ({facts.incomplete}); {_NOT_BACK}"


_NOT_BACK = (
    "so the source cannot become the table again without losing writes; stay with the destination, and complete the "
    "migration when the window is over: ddb-migration complete"
)
# What speaks against the one and the other alone.
_OF_CUT_OVER = (_stream, _verify, _incomplete)
_OF_ROLL_BACK = (_stream_back, _incomplete_back)


def _of(count: int, what: str) -> str:
    return f"1 {what} is" if count == 1 else f"{count} {what}s are"
