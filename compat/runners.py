"""Making event loops of this project's, and running programs on them."""

from __future__ import annotations

import asyncio
import sys
import threading
import warnings
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar

from .events import new_event_loop
from .legacy import accepted

T = TypeVar("T")
_get_event_loop = asyncio.get_event_loop  # asyncio's own also when `install` has put the one below in its place
LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def policy() -> Any:
    """asyncio's event loop policy, which Python 3.14 still has, deprecated, under another name."""
    if sys.version_info >= (3, 14):
        return asyncio.events._get_event_loop_policy()
    return asyncio.get_event_loop_policy()


def get_event_loop() -> asyncio.AbstractEventLoop:
    """The running loop, else the one that was set, else, in the main thread, a new one; as it was until Python 3.13.

    Making one gives the `DeprecationWarning` of Python 3.12 and 3.13. `RuntimeError` where there is none: in another
    thread, or after `set_event_loop(None)`.
    """
    running = asyncio._get_running_loop()
    if running is not None:
        return running
    kept = getattr(policy(), "_local", None)
    if (kept is not None and kept._loop is None and not getattr(kept, "_set_called", False)
            and threading.current_thread() is threading.main_thread()):
        warnings.warn("There is no current event loop", DeprecationWarning, stacklevel=2)
        asyncio.set_event_loop(new_event_loop())
    return _get_event_loop()


class Runner(asyncio.Runner):  # type: ignore[misc]  # final only for the type checker
    """`asyncio.Runner` that makes a loop of this project's unless told otherwise."""

    def __init__(self, *, debug: bool | None = None, loop_factory: LoopFactory | None = new_event_loop) -> None:
        super().__init__(debug=debug, loop_factory=loop_factory)

    def run(self, coro: Coroutine[Any, Any, T], *, context: Context | None = None) -> T:
        return super().run(accepted(coro), context=context)  # type: ignore[no-any-return]


def run(main: Coroutine[Any, Any, T], *, debug: bool | None = None,
        loop_factory: LoopFactory | None = new_event_loop) -> T:
    """`asyncio.run` on a loop of this project's unless told otherwise."""
    if asyncio._get_running_loop() is not None:
        raise RuntimeError("asyncio.run() cannot be called from a running event loop")
    with Runner(debug=debug, loop_factory=loop_factory) as runner:
        return runner.run(main)
