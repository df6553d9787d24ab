"""What construct, command line and runtime code share, read from the runtime code's own files.

The runtime code lies in the assets, which are no importable package of this distribution; the files read here import
nothing of it.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

from ddb_migration_construct._assets import assets_root

if TYPE_CHECKING:
    from ddb_migration import names
    from ddb_migration.core import report_page, run_report
else:

    def _load(*place: str) -> Any:
        path = assets_root().joinpath("lambda", "ddb_migration", *place[:-1], f"{place[-1]}.py")
        spec = importlib.util.spec_from_file_location(f"ddb_migration_construct._runtime_{place[-1]}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    names = _load("names")
    report_page = _load("core", "report_page")
    run_report = _load("core", "run_report")

__all__ = ["names", "report_page", "run_report"]
