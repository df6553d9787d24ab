"""Values that break careless code: the pools from which the rehearsal's items are made."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

AttributeValue = dict[str, Any]

SCALARS = ("S", "N", "B", "BOOL", "NULL")
SETS = ("SS", "NS", "BS")
# The ten types of DynamoDB (API Reference, AttributeValue).
TYPES = (*SCALARS, *SETS, "L", "M")

TEXTS = (
    "",
    " ",
    '"',
    "\\",
    '\\"',
    "}",
    "},{",
    '"},{"',
    '{"S":"not a value"}',
    '"}},{"PutRequest":{"Item":{',
    "\x00\x01\x1f\x7f\x80",
    "\r\n\t",
    "\u2028\u2029",
    "\ufeff\ufffe\uffff",
    "Жёлтая щука",
    "e\u0301 is not \u00e9",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001d11e",
    "NULL",
    "true",
    "0.10",
    "1E400",
    "AAECAw==",
    "'; DROP TABLE --",
    "%s %n {0} ${x} {{y}}",
    "<!-- & -->",
)

# The limits are DynamoDB's: 38 digits, magnitudes 1E-130 to 9.99...E+125 (Developer Guide, "Data types").
NUMBERS = (
    "0",
    "-0",
    "1",
    "-1",
    "1.0",
    "0.10",
    "1E3",
    "99999999999999999999999999999999999999",
    "-99999999999999999999999999999999999999",
    "0.12345678901234567890123456789012345678",
    "9.9999999999999999999999999999999999999E+125",
    "-9.9999999999999999999999999999999999999E+125",
    "1E-130",
    "-1E-130",
    "9007199254740993",
    "3.14159265358979323846264338327950288",
)

BINARIES = (b"", b"\x00", b"\xff\xfe", b"AAECAw==", b"\x1f\x8b\x08", b'{"B":"x"}', bytes(range(256)))

NAMES = (
    "size",
    "name",
    "Status",
    "a.b",
    "a b",
    "a[0]",
    "$.path",
    "#placeholder",
    ":value",
    '"quoted"',
    "back\\slash",
    "},{",
    "имя",
    "\U0001f600",
    "\u2028",
    "long" * 60,
)

_SCALE_LIMIT = 120


def value_of(rng: Random, kind: str, depth: int = 2) -> AttributeValue:
    """Return a value of one of DynamoDB's ten types; `depth` bounds what lists and maps hold."""
    if kind in SETS:
        return {kind: _SET_MEMBERS[kind](rng)}
    if kind == "L":
        return {"L": [_member(rng, depth) for _ in range(rng.randrange(4))]}
    if kind == "M":
        return {"M": {name: _member(rng, depth) for name in rng.sample((*NAMES, *TYPES), rng.randrange(4))}}
    return {kind: _scalar(rng, kind)}


def nested(rng: Random, levels: int) -> AttributeValue:
    """Return a scalar inside `levels` lists and maps; DynamoDB allows 32 (Developer Guide, "Quotas")."""
    value = value_of(rng, rng.choice(SCALARS))
    for level in range(levels):
        value = {"L": [value]} if level % 2 else {"M": {rng.choice(NAMES): value}}
    return value


def text(rng: Random) -> str:
    """Return a hostile string, possibly empty."""
    return "".join(rng.choices(TEXTS, k=rng.choice((1, 1, 2, 3))))


def binary(rng: Random) -> bytes:
    """Return a hostile byte string, possibly empty."""
    return rng.choice(BINARIES) if rng.random() < 0.5 else rng.randbytes(rng.randrange(64))


def number(rng: Random) -> str:
    """Return a number in one of the ways it may be written, with up to 38 digits."""
    if rng.random() < 0.4:
        return rng.choice(NUMBERS)
    digits = rng.randrange(1, 10 ** rng.randrange(1, 39))
    exponent = rng.choice((0, 0, -rng.randrange(1, 30), rng.randrange(-_SCALE_LIMIT, 80)))
    return f"{rng.choice(('', '-'))}{digits}E{exponent}" if exponent else f"{rng.choice(('', '-'))}{digits}"


def _scalar(rng: Random, kind: str) -> Any:
    if kind == "BOOL":
        return rng.random() < 0.5
    if kind == "NULL":
        return True
    return {"S": text, "N": number, "B": binary}[kind](rng)


def _member(rng: Random, depth: int) -> AttributeValue:
    kinds = TYPES if depth > 0 else SCALARS
    return value_of(rng, rng.choice(kinds), depth - 1)


def _texts(rng: Random) -> list[str]:
    # A set may hold no empty string (API Reference, AttributeValue), so the first text is left out.
    return rng.sample(TEXTS[1:], rng.randrange(1, 6))


def _numbers(rng: Random) -> list[str]:
    by_value = {Decimal(written): written for written in (number(rng) for _ in range(rng.randrange(1, 6)))}
    return list(by_value.values())


def _binaries(rng: Random) -> list[bytes]:
    return rng.sample(BINARIES[1:], rng.randrange(1, 6))


_SET_MEMBERS = {"SS": _texts, "NS": _numbers, "BS": _binaries}
