"""No function is longer than 40 lines (CONTRIBUTING.md)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
MOST_LINES = 40


def function_lengths(source: str) -> Iterator[tuple[str, int]]:
    """The name and the lines of each function's body; its docstring is not counted, nor its signature."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            yield node.name, (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("root", ["src", "assets", "tools"])
def test_no_function_is_too_long(root: str) -> None:
    files = sorted((CHECKOUT / root).rglob("*.py"))
    assert files
    too_long = [
        f"{file.relative_to(CHECKOUT)}: {name} has {lines} lines"
        for file in files
        for name, lines in function_lengths(file.read_text())
        if lines > MOST_LINES
    ]
    assert not too_long


def test_a_body_is_counted_without_its_docstring() -> None:
    source = 'def outer(\n    a,\n):\n    """One.\n\n    Two.\n    """\n    b = a\n\n    return b\n'
    assert list(function_lengths(source)) == [("outer", 3)]
