"""Source files from before Python 3.7, when `async` was a name like any other and `asyncio.async(...)` a call.

Python 3.7 made it a keyword, and a file with such a call does not compile any more, even if nobody ever makes the call.
In such a file `asyncio.async` is read as `asyncio.async_`, which `compat.legacy` provides.
"""

from __future__ import annotations

import importlib.machinery as machinery
import io
import os
import sys
import tokenize
from types import CodeType
from typing import Any

_PHRASE = ["asyncio", ".", "async"]


def compile_source(source: bytes, path: str) -> CodeType:
    """Compile `source`. If that fails, compile it with `asyncio.async` read as `asyncio.async_`.

    If that fails as well, it raises the first `SyntaxError`.
    """
    try:
        return _compile(source, path)
    except SyntaxError:
        text = _renamed(source)
        if text is None:
            raise
        try:
            return _compile(text, path)
        except SyntaxError:
            pass
        raise


def _compile(source: bytes | str, path: str) -> CodeType:
    code: CodeType = compile(source, path, "exec", dont_inherit=True)
    return code


def _renamed(source: bytes) -> str | None:
    """`source` with the phrase replaced, and every line in its place; None if the phrase is not there."""
    places = []
    recent: list[tokenize.TokenInfo] = []
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
        lines = io.StringIO(source.decode(encoding)).readlines()
        for token in tokenize.generate_tokens(iter(lines).__next__):
            recent = [*recent[-2:], token]
            if [token.string for token in recent] == _PHRASE:
                places.append(token.end)
    except (tokenize.TokenError, SyntaxError, UnicodeDecodeError):
        return None
    for row, column in reversed(places):
        lines[row - 1] = f"{lines[row - 1][:column]}_{lines[row - 1][column:]}"
    return "".join(lines) if places else None


class LegacyLoader(machinery.SourceFileLoader):
    """Imports modules by `compile_source`."""

    def source_to_code(self, data: Any, path: Any, *args: Any, **kwargs: Any) -> CodeType:  # type: ignore[override]
        return compile_source(bytes(data), os.fspath(path))

    def set_data(self, path: str, data: Any, **kwargs: Any) -> None:
        """Keep no bytecode: a Python without this loader would run it."""


_hook = machinery.FileFinder.path_hook(
    (machinery.ExtensionFileLoader, machinery.EXTENSION_SUFFIXES),
    (LegacyLoader, machinery.SOURCE_SUFFIXES),
    (machinery.SourcelessFileLoader, machinery.BYTECODE_SUFFIXES),
)


def install_hook() -> None:
    """Read source files by `LegacyLoader` from now on."""
    if not is_installed():
        sys.path_hooks.insert(0, _hook)
        sys.path_importer_cache.clear()


def is_installed() -> bool:
    """Whether `install_hook` is in force."""
    return _hook in sys.path_hooks


def uninstall_hook() -> None:
    """Undo `install_hook`."""
    if is_installed():
        sys.path_hooks.remove(_hook)
        sys.path_importer_cache.clear()
