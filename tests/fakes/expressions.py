"""DynamoDB's condition and update expressions, as far as the control table uses them.

Grammar and rules: DynamoDB Developer Guide, "Condition and filter expressions" and "Update expressions".
Operands are evaluated against the item as it stood; a name or value given and not used is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

Item = dict[str, dict[str, Any]]

_TOKEN = re.compile(r"\s*(<=|>=|<>|[=<>(),]|[#:]?\w+)")
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: bool(a == b),
    "<>": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
}
_CLAUSES = ("SET", "REMOVE", "ADD")


class InvalidExpression(Exception):
    """What DynamoDB answers by a ValidationException."""


class Expression:
    """One expression with its names and values, read from left to right."""

    def __init__(self, text: str, request: Mapping[str, Any], item: Item, used: set[str]) -> None:
        self._tokens = _TOKEN.findall(text)
        if "".join(self._tokens) != re.sub(r"\s", "", text):
            raise InvalidExpression(f"syntax error in {text!r}")
        self._names = request.get("ExpressionAttributeNames", {})
        self._values = request.get("ExpressionAttributeValues", {})
        self._item = item
        self._used = used

    def condition(self) -> bool:
        """Whether the item meets the condition."""
        met = self._or()
        if self._tokens:
            raise InvalidExpression(f"unexpected {self._tokens[0]!r}")
        return met

    def update(self) -> Item:
        """The item after the update."""
        new, touched = dict(self._item), set[str]()
        clauses: set[str] = set()
        while self._tokens:
            clause = self._take()
            if clause not in _CLAUSES or clause in clauses:
                raise InvalidExpression(f"unexpected or repeated clause {clause!r}")
            clauses.add(clause)
            self._actions(clause, new, touched)
        return new

    def _actions(self, clause: str, new: Item, touched: set[str]) -> None:
        while True:
            name = self._name(self._take())
            if name in touched:
                raise InvalidExpression(f"two paths overlap: {name}")
            touched.add(name)
            self._act(clause, name, new)
            if not self._tokens or self._tokens[0] != ",":
                return
            self._take(",")

    def _act(self, clause: str, name: str, new: Item) -> None:
        if clause == "REMOVE":
            new.pop(name, None)
        elif clause == "ADD":
            new[name] = self._added(self._item.get(name, {"N": "0"}), self._value(self._take()))
        else:
            self._take("=")
            value = self._operand()
            if value is None:
                raise InvalidExpression("the expression refers to an attribute that does not exist")
            new[name] = value

    @staticmethod
    def _added(old: Mapping[str, str], added: Mapping[str, str]) -> dict[str, Any]:
        if set(old) != {"N"} or set(added) != {"N"}:
            raise InvalidExpression("ADD takes numbers")
        return {"N": str(Decimal(old["N"]) + Decimal(added["N"]))}

    def _or(self) -> bool:
        met = self._and()
        while self._tokens and self._tokens[0] == "OR":
            self._take("OR")
            met = self._and() or met
        return met

    def _and(self) -> bool:
        met = self._term()
        while self._tokens and self._tokens[0] == "AND":
            self._take("AND")
            met = self._term() and met
        return met

    def _term(self) -> bool:
        if self._tokens[0] == "(":
            self._take("(")
            met = self._or()
            self._take(")")
            return met
        if self._tokens[0] in ("attribute_exists", "attribute_not_exists"):
            return self._existence(self._take())
        left, operator, right = self._operand(), self._take(), self._operand()
        return _compared(left, operator, right)

    def _existence(self, function: str) -> bool:
        self._take("(")
        stands = self._name(self._take()) in self._item
        self._take(")")
        return stands == (function == "attribute_exists")

    def _operand(self) -> dict[str, Any] | None:
        token = self._take()
        if token.startswith(":"):
            return self._value(token)
        if token == "if_not_exists":
            self._take("(")
            name = self._name(self._take())
            self._take(",")
            other = self._operand()
            self._take(")")
            return self._item.get(name, other)
        return self._item.get(self._name(token))

    def _name(self, token: str) -> str:
        self._used.add(token)
        if token.startswith("#"):
            if token not in self._names:
                raise InvalidExpression(f"{token} is not in ExpressionAttributeNames")
            return str(self._names[token])
        return token

    def _value(self, token: str) -> dict[str, Any]:
        self._used.add(token)
        if token not in self._values:
            raise InvalidExpression(f"{token} is not in ExpressionAttributeValues")
        return dict(self._values[token])

    def _take(self, expected: str | None = None) -> str:
        if not self._tokens or (expected is not None and self._tokens[0] != expected):
            raise InvalidExpression(f"expected {expected!r} at {self._tokens[:1]}")
        return str(self._tokens.pop(0))


def unused(request: Mapping[str, Any], used: set[str]) -> set[str]:
    """The names and values of a request that no expression used."""
    given = {*request.get("ExpressionAttributeNames", {}), *request.get("ExpressionAttributeValues", {})}
    return given - used


def _compared(left: Mapping[str, Any] | None, operator: str, right: Mapping[str, Any] | None) -> bool:
    if left is None or right is None:
        return False
    ((kind, a),), ((other, b),) = left.items(), right.items()
    if kind != other:
        return operator == "<>"
    return _COMPARE[operator](_sortable(kind, a), _sortable(kind, b))


def _sortable(kind: str, content: Any) -> Any:
    if kind == "N":
        return Decimal(content)
    return content.encode("utf-8") if kind == "S" else content
