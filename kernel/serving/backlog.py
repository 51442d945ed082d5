"""Text on its way to a tool that reads it more slowly than the program makes it.

The program's thread writes, and never waits: when too much is there, lines are left out, and their number is said.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

MOST = 1 << 20  # characters that wait


class Backlog:
    """What was written and not yet taken. `wake` is called when there is something after there was nothing."""

    def __init__(self, wake: Callable[[], object], most: int = MOST) -> None:
        self._wake = wake
        self._most = most
        self._lock = threading.Lock()
        self._pieces: list[str] = []
        self._size = 0
        self._ended = True  # the last piece, or what was left out last, ends with its line
        self._leaving_out = False
        self._left_out = 0  # lines

    def write(self, text: str) -> None:
        """Add `text`: lines, or part of a line."""
        with self._lock:
            if not self._leaving_out and self._size + len(text) > self._most:
                self._leaving_out = True
                if not self._ended:
                    self._pieces.append("...\n")
            first = not self._pieces
            if self._leaving_out:
                self._left_out += text.count("\n")
            else:
                self._pieces.append(text)
                self._size += len(text)
            self._ended = text.endswith("\n")
        if first:
            self._wake()

    def take(self) -> str:
        """All that is there, and then how much is not."""
        with self._lock:
            pieces, self._pieces, self._size = self._pieces, [], 0
            if self._leaving_out and self._ended:  # else the rest of the line is to be left out as well
                pieces.append(f"({self._left_out} lines left out: they were not read in time)\n")
                self._leaving_out, self._left_out = False, 0
        return "".join(pieces)
