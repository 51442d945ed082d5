"""asyncio on the kernel: `import compat as asyncio`.

Every name of `asyncio.__all__` is here, and those that asyncio has dropped since Python 3.4. The event loop, futures,
tasks and what makes them are this project's; the rest of asyncio, which works on any loop, is the standard library's.
"""

from __future__ import annotations

import sys as _sys

if _sys.platform == "win32":
    raise ImportError(f"compat runs on Unix only: its event loop stands on the one that asyncio has for Unix, and not for "
                      f"{_sys.platform}. Here `import kernel` works, with tasks, timers, queues, threads and sockets; "
                      f"asyncio programs run on asyncio itself", name=__name__)

from .shadows import check_kernel as _check_kernel

_check_kernel()

import asyncio as _asyncio
from asyncio import *  # noqa: F403
from asyncio import TaskGroup as TaskGroup  # not in __all__ of Python 3.11
from asyncio import base_events as base_events
from asyncio import coroutines as coroutines
from asyncio import exceptions as exceptions
from asyncio import locks as locks
from asyncio import log as log
from asyncio import protocols as protocols
from asyncio import queues as queues
from asyncio import streams as streams
from asyncio import subprocess as subprocess
from asyncio import transports as transports
from typing import Any

from .current_loop import get_event_loop as get_event_loop
from .events import EventLoop as EventLoop
from .events import new_event_loop as new_event_loop
from .futures import Future as Future  # type: ignore[assignment]  # in the place of asyncio's
from .installing import install as install
from .installing import uninstall as uninstall
from .legacy import *  # type: ignore[assignment, no-redef]  # noqa: F403
from .legacy import __all__ as _legacy_names
from .runners import Runner as Runner
from .runners import run as run  # type: ignore[assignment]
from .tasks import Task as Task  # type: ignore[assignment]

if _sys.version_info >= (3, 14):
    from .graph import future_add_to_awaited_by as future_add_to_awaited_by
    from .graph import future_discard_from_awaited_by as future_discard_from_awaited_by
if hasattr(_asyncio, "eager_task_factory"):  # since Python 3.12
    eager_task_factory: Any = _asyncio.create_eager_task_factory(Task)  # type: ignore
SelectorEventLoop = EventLoop  # type: ignore[misc]  # in the place of asyncio's
globals()["async"] = async_

__all__ = sorted({*_asyncio.__all__, *_legacy_names, "EventLoop", "install", "new_event_loop", "uninstall"})
