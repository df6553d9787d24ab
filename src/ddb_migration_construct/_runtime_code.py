"""The runtime code, made importable: its core decides for the command line what it decides in AWS."""

from __future__ import annotations

import sys

from ddb_migration_construct._assets import assets_root


def make_importable() -> None:
    """Put the runtime code behind everything else that Python imports; call it before importing `ddb_migration`."""
    folder = str(assets_root() / "lambda")
    if folder not in sys.path:
        sys.path.append(folder)
