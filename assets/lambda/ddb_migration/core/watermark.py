"""Watermarks: the number of the newest change applied to a key, as text that sorts like the number.

Sequence numbers are decimal strings of 21 to 40 digits (DynamoDB Streams API, StreamRecord). They do not fit
DynamoDB's 38-digit numbers, and as plain text "9" would sort after "10": hence 40 digits, padded with zeros.
"""

from __future__ import annotations

DIGITS = 40
_ABOVE = "+"


def mark(number: str) -> str:
    """Return the watermark of a change's sequence number.

    Raises ValueError when the text is no sequence number.
    """
    if not number.isascii() or not number.isdigit() or len(number) > DIGITS:
        raise ValueError(f"not a sequence number of DynamoDB Streams: {number!r}")
    return number.zfill(DIGITS)


def mark_above(number: str) -> str:
    """Return the watermark just above a change: above every copy of it, below every later change.

    A reread that stands for a change raises the watermark to this before it reads, so that an equal or older
    copy of the change that arrives later is refused.
    """
    return mark(number) + _ABOVE


def change_of(watermark: str) -> str:
    """Return the watermark of the change itself, given that or the one just above it."""
    return watermark[:DIGITS]


def is_applied(watermark: str | None, number: str) -> bool:
    """Tell whether a watermark shows that the change, or a later one, was applied."""
    return watermark is not None and watermark >= mark(number)
