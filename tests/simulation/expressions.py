"""DynamoDB's update and condition expressions, as far as a control table uses them, compiled once each."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

Item = dict[str, dict[str, Any]]
Values = Mapping[str, dict[str, Any]]
Condition = Callable[[Mapping[str, dict[str, Any]], Values], bool]
Update = Callable[[Item, Values], None]

_TOKEN = re.compile(r"\s*(attribute_exists|attribute_not_exists|if_not_exists|AND|OR|[#:]\w+|<=|>=|<>|[=<>(),+])")
_CLAUSE = re.compile(r"\b(SET|REMOVE|ADD)\b")
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: left == right,
    "<>": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


@functools.cache
def condition(text: str) -> Condition:
    """Compile a condition; names are written `#name` for the attribute `name`."""
    tokens = _TOKEN.findall(text)
    found, rest = _either(tokens)
    if rest:
        raise ValueError(f"cannot read {rest} of the condition {text!r}")
    return found


def _either(tokens: list[str]) -> tuple[Condition, list[str]]:
    left, tokens = _both(tokens)
    while tokens and tokens[0] == "OR":
        right, tokens = _both(tokens[1:])
        left = _or(left, right)
    return left, tokens


def _both(tokens: list[str]) -> tuple[Condition, list[str]]:
    left, tokens = _term(tokens)
    while tokens and tokens[0] == "AND":
        right, tokens = _term(tokens[1:])
        left = _and(left, right)
    return left, tokens


def _term(tokens: list[str]) -> tuple[Condition, list[str]]:
    first = tokens[0]
    if first == "(":
        inner, rest = _either(tokens[1:])
        return inner, rest[1:]
    if first in ("attribute_exists", "attribute_not_exists"):
        name, wanted = tokens[2][1:], first == "attribute_exists"
        return (lambda item, values: (name in item) is wanted), tokens[4:]
    return _comparison(first[1:], tokens[1], tokens[2]), tokens[3:]


def _comparison(name: str, operator: str, value: str) -> Condition:
    compare = _COMPARE[operator]

    def holds(item: Mapping[str, dict[str, Any]], values: Values) -> bool:
        if name not in item:
            return operator == "<>"
        ((left_kind, left),) = item[name].items()
        ((right_kind, right),) = values[value].items()
        if left_kind != right_kind:
            return False
        return compare(float(left), float(right)) if left_kind == "N" else compare(left, right)

    return holds


def _or(left: Condition, right: Condition) -> Condition:
    return lambda item, values: left(item, values) or right(item, values)


def _and(left: Condition, right: Condition) -> Condition:
    return lambda item, values: left(item, values) and right(item, values)


@functools.cache
def update(text: str) -> Update:
    """Compile an update expression."""
    parts = _CLAUSE.split(text)
    steps = [step for word, body in zip(parts[1::2], parts[2::2], strict=True) for step in _steps(word, body)]

    def apply(item: Item, values: Values) -> None:
        for step in steps:
            step(item, values)

    return apply


def _steps(word: str, body: str) -> list[Update]:
    if word == "REMOVE":
        return [_remove(name.strip()[1:]) for name in body.split(",")]
    if word == "ADD":
        return [_add(*pair.split()) for pair in body.split(",")]
    return [_set(pair) for pair in re.split(r",(?![^(]*\))", body)]


def _remove(name: str) -> Update:
    def remove(item: Item, values: Values) -> None:
        item.pop(name, None)

    return remove


def _add(name: str, value: str) -> Update:
    name = name[1:]

    def add(item: Item, values: Values) -> None:
        item[name] = {"N": str(int(item.get(name, {"N": "0"})["N"]) + int(values[value]["N"]))}

    return add


def _set(pair: str) -> Update:
    left, right = (side.strip() for side in pair.split("=", 1))
    name = left[1:]
    once = right.startswith("if_not_exists")
    value = right[right.rindex(":") :].rstrip(") ")

    def put(item: Item, values: Values) -> None:
        if not (once and name in item):
            item[name] = values[value]

    return put
