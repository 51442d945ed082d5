"""The event loop that a program gets without making one: `get_event_loop()`."""

from __future__ import annotations

import asyncio
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any

_get_event_loop = asyncio.get_event_loop  # asyncio's own, also after `install` has put the one below in its place
_make: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop  # until `events.py` is imported


def make_loops_by(make: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """Have `get_event_loop` make loops by calling `make`. `events.py`, which stands on this module, hands ours in."""
    global _make
    _make = make


def policy() -> Any:
    """asyncio's event loop policy. Python 3.14 still has one, under another name."""
    if sys.version_info >= (3, 14):
        return asyncio.events._get_event_loop_policy()
    return asyncio.get_event_loop_policy()


def get_event_loop() -> asyncio.AbstractEventLoop:
    """The running loop, else the one that was set. In the main thread, where none was set, it makes one and sets it.

    As `asyncio.get_event_loop` until Python 3.13: it warns by the `DeprecationWarning` of Python 3.12 and 3.13 when it
    makes a loop. In another thread, or after `set_event_loop(None)`, it raises `RuntimeError` when there is no loop.
    """
    running = asyncio._get_running_loop()
    if running is not None:
        return running
    kept = getattr(policy(), "_local", None)
    if (kept is not None and kept._loop is None and not getattr(kept, "_set_called", False)
            and threading.current_thread() is threading.main_thread()):
        warnings.warn("There is no current event loop", DeprecationWarning, stacklevel=2)
        asyncio.set_event_loop(_make())
    return _get_event_loop()
