"""What every simulated client has in common: a call takes time, and may fail in each documented way."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, TypeVar

from botocore.exceptions import ClientError
from greenlet import getcurrent

from tests.simulation.failures import no_answer, refused
from tests.simulation.faults import Faults
from tests.simulation.kernel import Kernel, Killed

Result = TypeVar("Result")

# ddb_migration.aws.clients: connect and read time-outs, and the attempts of the two kinds of client.
GIVES_UP_SECONDS = 4.0
RETRYING = 5
SINGLE = 1
_THROTTLED = {"dynamodb": "ProvisionedThroughputExceededException", "sqs": "RequestThrottled"}


class Calls:
    """Makes the calls of one client; `attempts` as botocore would make them by itself."""

    def __init__(self, kernel: Kernel, faults: Faults, service: str, attempts: int) -> None:
        self.kernel = kernel
        self.faults = faults
        self._service = service
        self._attempts = attempts
        self._latency = faults.draws("latency")

    def make(self, operation: str, effect: Callable[[], Result], special: tuple[str, ...] = ()) -> Result:
        """Make one call, again where botocore would."""
        attempt = 1
        while True:
            kind = self.faults.at_call(special)
            if kind is None:
                draw = self._latency.random()
                self._travel(0.002 + 0.02 * draw if draw < 0.97 else (draw - 0.97) * 30, effect)
                if draw < 0.3 and getattr(_owner(), "limps", False):
                    self._stand_still(draw * 316.0)
                return effect()
            try:
                return self._struck(kind, operation, effect)
            except Retryable as failure:
                if attempt == self._attempts:
                    raise failure.error from None
            self.kernel.sleep(self._latency.random() * 0.2 * 2**attempt)
            attempt += 1

    def _struck(self, kind: str, operation: str, effect: Callable[[], Result]) -> Result:
        draws = self.faults.draws(kind)
        if kind in _FAILURES:
            raise Retryable(_FAILURES[kind](self, operation, effect))
        if kind in ("late-write", "late-update"):
            raise Retryable(self._late_write(kind, effect))
        if kind in ("crash-before", "crash-after"):
            return self._crash(kind, effect)
        if kind == "slow-call":
            self._travel(draws.uniform(0.5, GIVES_UP_SECONDS - 0.1), effect)
        elif kind == "stall":
            self._stand_still(draws.uniform(5, owner_limit()))
        else:
            self.kernel.sleep(0.01)
            return special_effect(kind, effect)
        return effect()

    def _travel(self, seconds: float, effect: Callable[[], Any]) -> None:
        """Be on the way; a request whose process ends meanwhile takes effect all the same, half the time."""
        arrives = self.kernel.now + seconds
        try:
            self.kernel.sleep(seconds)
        except Killed:
            if self.faults.draws("in-flight").random() < 0.5:
                self.kernel.at(arrives, lambda: _unheard(effect))
            raise

    def _stand_still(self, seconds: float) -> None:
        freeze = getattr(_owner(), "freeze", None)
        if freeze is not None:
            freeze(seconds)
        self.kernel.sleep(seconds)

    def _crash(self, kind: str, effect: Callable[[], Result]) -> Result:
        self.kernel.sleep(0.01)
        owner = _owner()
        if owner is None:
            return effect()
        if kind == "crash-after":
            effect()
        owner.crash()
        raise Killed

    def _late_write(self, kind: str, effect: Callable[[], Any]) -> Exception:
        self.kernel.sleep(GIVES_UP_SECONDS)
        late = self.faults.draws(kind).uniform(0.0, 40.0)
        self.kernel.after(late, lambda: _unheard(effect))
        return no_answer()

    def throttled(self, operation: str, effect: Callable[[], Any]) -> Exception:
        self.kernel.sleep(0.01)
        return refused(_THROTTLED.get(self._service, "ThrottlingException"), "Rate exceeded", operation)

    def failed(self, operation: str, effect: Callable[[], Any]) -> Exception:
        self.kernel.sleep(0.05)
        if self.faults.draws("server-error").random() < 0.5:
            _unheard(effect)
        return refused("InternalServerError", "Internal server error", operation, 500)

    def lost_request(self, operation: str, effect: Callable[[], Any]) -> Exception:
        self.kernel.sleep(GIVES_UP_SECONDS)
        return no_answer()

    def lost_answer(self, operation: str, effect: Callable[[], Any]) -> Exception:
        before = self.faults.draws("lost-answer").uniform(0.0, GIVES_UP_SECONDS)
        self.kernel.sleep(before)
        effect()
        self.kernel.sleep(GIVES_UP_SECONDS - before)
        return no_answer()


class Retryable(Exception):
    """A failure that botocore's retries cover."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


_FAILURES: dict[str, Callable[[Calls, str, Callable[[], Any]], Exception]] = {
    "throttled-call": Calls.throttled,
    "server-error": Calls.failed,
    "lost-request": Calls.lost_request,
    "lost-answer": Calls.lost_answer,
}


def _unheard(effect: Callable[[], Any]) -> None:
    """Let a call take effect whose answer nobody waits for any more."""
    with contextlib.suppress(ClientError):
        effect()


def special_effect(kind: str, effect: Callable[..., Result]) -> Result:
    """Let a call take effect in a way that only its operation knows."""
    return effect(kind)


def _owner() -> Any:
    current: Any = getcurrent()
    return current.task.owner


def owner_limit() -> float:
    """Return for how long whatever is running may stand still, in seconds."""
    owner = _owner()
    return owner.longest_stall if owner is not None else 10.0


class Paginator:
    """A paginator of one page."""

    def __init__(self, page: Callable[..., dict[str, Any]]) -> None:
        self._page = page

    def paginate(self, **query: Any) -> list[dict[str, Any]]:
        return [self._page(**query)]
