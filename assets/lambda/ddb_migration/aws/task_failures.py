"""What went wrong in a Spark task, told by the driver in one line.

Glue shows the end of what the driver says, and Spark ends with a Java stack trace.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_TRACEBACK = "Traceback (most recent call last):"
# Spark puts its own stack behind the traceback.
_JAVA = "\n\tat "


class TaskFailed(Exception):
    """A task of the job failed; the text is its own error."""


@contextmanager
def telling_the_cause() -> Iterator[None]:
    """Turn an error of Spark's into a TaskFailed with the task's own error."""
    try:
        yield
    except Exception as error:
        raise TaskFailed(cause_in(str(error))) from error


def cause_in(text: str) -> str:
    """Return the error at the end of the Python traceback in a text, or the whole text where there is none."""
    _, _, traceback = text.partition(_TRACEBACK)
    lines = [line for line in traceback.split(_JAVA)[0].splitlines() if line and not line[0].isspace()]
    return lines[-1] if lines else text
