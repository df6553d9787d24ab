"""The strings that construct and runtime code share, read from the runtime code's own file.

The runtime code lies in the assets, which are no importable package of this distribution.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

from ddb_migration_construct._assets import assets_root

if TYPE_CHECKING:
    from ddb_migration import names
else:

    def _load() -> Any:
        path = assets_root() / "lambda" / "ddb_migration" / "names.py"
        spec = importlib.util.spec_from_file_location("ddb_migration_construct._runtime_names", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    names = _load()

__all__ = ["names"]
