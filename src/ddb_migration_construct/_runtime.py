"""What construct and command line share with the code that runs in AWS, read from that code's own files.

The runtime code lies in the assets, which are no importable package of this distribution. Only files that import
nothing but the standard library can be shared: the strings, and some decisions of the core.
"""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING, Any

from ddb_migration_construct._assets import assets_root

if TYPE_CHECKING:
    from ddb_migration import names
    from ddb_migration.core import lag, moments, outage, report_page, run_report
else:

    def _load(*place: str) -> Any:
        path = assets_root().joinpath("lambda", "ddb_migration", *place[:-1], f"{place[-1]}.py")
        spec = importlib.util.spec_from_file_location(f"ddb_migration_construct._runtime_{place[-1]}", path)
        module = importlib.util.module_from_spec(spec)
        # Where dataclasses look for the names in their annotations.
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module

    names = _load("names")
    lag, moments, outage = (_load("core", name) for name in ("lag", "moments", "outage"))
    report_page, run_report = (_load("core", name) for name in ("report_page", "run_report"))

__all__ = ["lag", "moments", "names", "outage", "report_page", "run_report"]
