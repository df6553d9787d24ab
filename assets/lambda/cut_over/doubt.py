"""Doubt: whatever speaks against going through with a cut-over."""

from __future__ import annotations


class Doubt(Exception):
    """The cut-over is given up; the text is the reason, in the operator's words."""
