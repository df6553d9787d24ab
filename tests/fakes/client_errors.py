"""Errors as boto3's clients raise them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

Hook = Callable[[str, Mapping[str, Any]], object]


def client_error(operation: str, code: str, message: str = "", status: int = 400, **more: Any) -> ClientError:
    """The answer of a service that refuses a call."""
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}, **more}
    return ClientError(answer, operation)


class FakeClient:
    """What all fakes have: the calls made, and hooks that run before each call.

    A hook is given the operation and its request; what it raises the call raises, and what it does to other
    fakes has happened just before the call: so races are staged.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, Mapping[str, Any]]] = []
        self.hooks: list[Hook] = []

    def called(self, operation: str, request: Mapping[str, Any]) -> None:
        self.calls.append((operation, request))
        for hook in tuple(self.hooks):
            hook(operation, request)

    def operations(self) -> list[str]:
        """The names of the operations called so far."""
        return [operation for operation, _ in self.calls]

    def fail(self, operation: str, *errors: Exception) -> None:
        """Make the next calls of an operation fail, one with each error."""
        left = list(errors)

        def hook(called: str, request: Mapping[str, Any]) -> None:
            if called == operation and left:
                raise left.pop(0)

        self.hooks.append(hook)

    def before(self, operation: str, act: Callable[[], object], when: int = 1) -> None:
        """Do something just before the `when`-th next call of an operation."""
        seen = 0

        def hook(called: str, request: Mapping[str, Any]) -> None:
            nonlocal seen
            seen += called == operation
            if called == operation and seen == when:
                act()

        self.hooks.append(hook)


class Paginator:
    """The pages that a function of the request lists."""

    def __init__(self, pages: Callable[[Mapping[str, Any]], list[dict[str, Any]]]) -> None:
        self._pages = pages

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        return self._pages(request)
