"""The scripts of the two Glue jobs; they import awsglue, which the rehearsal's shim stands for."""

import sys
from pathlib import Path

SHIM = Path(__file__).parents[2] / "src" / "ddb_migration_construct" / "rehearsal" / "glue_shim"
if str(SHIM) not in sys.path:
    sys.path.append(str(SHIM))

import direct_migration_job as direct_migration_job  # noqa: E402  only now can they be imported
import large_migration_job as large_migration_job  # noqa: E402
