"""asyncio on the kernel: `import compat as asyncio`.

Every name of `asyncio.__all__` is here. The event loop, futures, tasks and what makes them are this project's; locks,
queues, streams and the rest of asyncio that works on any loop are the standard library's own.
"""

from __future__ import annotations

import asyncio as _asyncio
from asyncio import *  # noqa: F403

from .events import EventLoop, new_event_loop
from .futures import Future  # type: ignore[assignment]  # in the place of asyncio's
from .install import install, uninstall
from .legacy import coroutine
from .runners import Runner, get_event_loop, run
from .tasks import Task  # type: ignore[assignment]

SelectorEventLoop = EventLoop  # type: ignore[misc]  # in the place of asyncio's

__all__ = [*_asyncio.__all__, "EventLoop", "coroutine", "install", "new_event_loop", "uninstall"]
