"""What Glue does with the error that ends a script: it becomes the run's ErrorMessage."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import TracebackType

_FILE = os.environ.get("GLUE_ERROR_FILE")


def _tell(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if _FILE:
        Path(_FILE).write_text(f"{kind.__name__}: {error}", "utf-8")
    sys.__excepthook__(kind, error, traceback)


sys.excepthook = _tell
