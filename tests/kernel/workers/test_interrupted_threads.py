"""Ctrl-C in a thread that uses a universal queue: wherever it comes, the thread waits there no more."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from kernel import UniversalQueue


class InterruptedMutex:
    """As when Ctrl-C comes at the end of the given section that it guards."""

    def __init__(self, section: int) -> None:
        self._lock = threading.Lock()
        self._section = section

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *exc_info: object) -> None:
        self._lock.release()
        self._section -= 1
        if self._section == 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("section", [1, 2], ids=["before the wait", "after the wait"])
@pytest.mark.parametrize("getting", [True, False], ids=["get", "put"])
def test_who_is_interrupted_leaves_the_line(getting: bool, section: int) -> None:
    queue = UniversalQueue[Any](1)
    if not getting:
        queue.put_nowait("before")
    queue.mutex = InterruptedMutex(section)  # type: ignore[assignment]  # stands in for it
    with pytest.raises(KeyboardInterrupt):
        if getting:
            queue.get_from_thread(0)
        else:
            queue.put_from_thread("late", 0)
    if getting:
        queue.put_nowait("item")
        assert queue.get_nowait() == "item"
    else:
        assert queue.get_nowait() == "before" and queue.qsize() == 0
