"""One who is told how something ends, and two tasks that end."""

from __future__ import annotations

from typing import Any


class Note:
    """Writes down what it is told."""

    def __init__(self, log: list[tuple[str, Any]]) -> None:
        self._log = log

    def wake(self, value: Any) -> None:
        self._log.append(("value", value))

    def throw(self, error: BaseException) -> None:
        self._log.append(("error", error))


async def returning() -> int:
    return 42


async def failing() -> None:
    raise OSError("failed")
