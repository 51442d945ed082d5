"""Functions that hold up a thread."""

from __future__ import annotations

import threading
from typing import Any

from kernel import run_in_thread


class Gate:
    """A function that blocks its thread until it is let through, and counts who is inside."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.let_go = threading.Event()
        self.inside = self.most = self.calls = 0
        self._mutex = threading.Lock()

    def __call__(self, value: Any = None) -> Any:
        with self._mutex:
            self.inside += 1
            self.calls += 1
            self.most = max(self.most, self.inside)
        self.entered.release()
        assert self.let_go.wait(30)
        with self._mutex:
            self.inside -= 1
        return value


async def in_thread(function: Any, *args: Any, abandon: bool = True) -> Any:
    """`run_in_thread` as a coroutine, to make a task of."""
    return await run_in_thread(function, *args, abandon=abandon)
