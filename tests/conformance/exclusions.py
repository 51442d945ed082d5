"""The tests that are excluded, and why."""

from __future__ import annotations

import sys
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

LIMIT = 0.02  # of all tests that pass on asyncio

FILE = Path(__file__).with_name("exclusions.toml")
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


class Exclusions:
    """What a table of `exclusions.toml`, or of another file, says for the running version of Python."""

    def __init__(self, file: Path = FILE, table: str = "exclude") -> None:
        entries = tomllib.loads(file.read_text()).get(table, [])
        self._reasons: dict[str, str] = {pattern: entry["reason"] for entry in entries for pattern in entry["tests"]
                                         if VERSION in entry.get("pythons", [VERSION])}

    def reason(self, test: str) -> str | None:
        """Why `test` is excluded; None when it is not."""
        for pattern, reason in self._reasons.items():
            if fnmatchcase(test, pattern):
                return reason
        return None
