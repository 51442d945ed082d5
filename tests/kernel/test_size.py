"""The kernel stays small enough to read in an hour."""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

import kernel

FILES = ["core.py", "task.py", "syscalls.py", "timers.py", "devices/clocks.py", "devices/descriptor_poller.py"]
LIMIT = 800
LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING,
          tokenize.ENDMARKER}


def lines_of_code(source: str) -> int:
    """How many lines of `source` are neither blank nor comment nor docstring."""
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in LAYOUT:
            code.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and type(first.value.value) is str:
                assert first.end_lineno is not None
                code.difference_update(range(first.lineno, first.end_lineno + 1))
    return len(code)


def test_the_six_files_of_the_kernel_proper_are_at_most_800_lines_of_code() -> None:
    sizes = {name: lines_of_code((Path(kernel.__file__).parent / name).read_text()) for name in FILES}
    print(sizes, sum(sizes.values()))
    assert sum(sizes.values()) <= LIMIT, sizes


def test_lines_are_counted_as_a_reader_would() -> None:
    source = '"""Docstring\n\nof three lines."""\n\n# a comment\nx = (1,\n     2)  # two lines\n\n\n' \
             'def f():\n    """One line."""\n    return """a\nb"""\n'
    assert lines_of_code(source) == 5
