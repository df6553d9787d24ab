"""Benchmarks of the bulk load; run each with `python -m benchmarks.NAME` from the checkout."""

import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
for folder in ("assets/lambda", "src"):
    if str(CHECKOUT / folder) not in sys.path:
        sys.path.insert(0, str(CHECKOUT / folder))
