"""Looks that SetupCheck's role may be denied: one that is must not hide what the others find."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import ClientError

from ddb_migration.aws.errors import code
from ddb_migration.aws.probe import DENIED

Answer = TypeVar("Answer")


class Asking:
    """Asks, and keeps what AWS says of the questions it denies."""

    def __init__(self) -> None:
        self.denied: list[str] = []

    def ask(self, question: Callable[[], Answer], otherwise: Answer) -> Answer:
        """Return the answer, or `otherwise` where AWS denies the question; other failures are raised."""
        try:
            return question()
        except ClientError as error:
            if code(error) not in DENIED:
                raise
            self.denied.append(str(error))
            return otherwise
