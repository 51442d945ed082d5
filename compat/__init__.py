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
from typing import TYPE_CHECKING, Any

from .current_loop import get_event_loop as get_event_loop
from .events import EventLoop as EventLoop
from .events import new_event_loop as new_event_loop
from .futures import Future as Future  # type: ignore[assignment]  # in the place of asyncio's
from .runners import Runner as Runner
from .runners import run as run  # type: ignore[assignment]
from .tasks import Task as Task  # type: ignore[assignment]

if _sys.version_info >= (3, 14):
    from .graph import future_add_to_awaited_by as future_add_to_awaited_by
    from .graph import future_discard_from_awaited_by as future_discard_from_awaited_by
if hasattr(_asyncio, "eager_task_factory"):  # since Python 3.12
    eager_task_factory: Any = _asyncio.create_eager_task_factory(Task)  # type: ignore
SelectorEventLoop = EventLoop  # type: ignore[misc]  # in the place of asyncio's

_INSTALLING = "install", "uninstall"
_EXPLORING = "check_determinism", "explore", "simulate"
_LEGACY = ("BoundedSemaphore", "Condition", "Event", "JoinableQueue", "LifoQueue", "Lock", "PriorityQueue", "Queue",
           "Semaphore", "as_completed", "async_", "coroutine", "create_subprocess_exec", "create_subprocess_shell",
           "create_task", "ensure_future", "gather", "iscoroutine", "open_connection", "open_unix_connection",
           "run_coroutine_threadsafe", "shield", "sleep", "start_server", "start_unix_server", "wait", "wait_for")
__all__ = sorted({*_asyncio.__all__, *_INSTALLING, *_EXPLORING, *_LEGACY, "EventLoop", "new_event_loop"})

if TYPE_CHECKING:
    from .installing import install as install
    from .installing import uninstall as uninstall
    from .exploring import check_determinism as check_determinism
    from .exploring import explore as explore
    from .exploring import simulate as simulate
    from .legacy import *  # type: ignore[assignment, has-type, no-redef]
else:
    # Loaded at the first use of a name, to save start-up time: a program that imports asyncio itself, and takes only a
    # loop or `run` from here, needs none of these.
    for _name in _LEGACY:
        globals().pop(_name, None)  # asyncio's

    def __getattr__(name):
        if name in _INSTALLING:
            return _load("installing", _INSTALLING)[name]
        if name in _EXPLORING:
            return _load("exploring", _EXPLORING)[name]
        if name not in _LEGACY and name not in ("async", "legacy"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        _load("installing", _INSTALLING)
        _load("exploring", _EXPLORING)
        names = _load("legacy", _LEGACY)
        names.setdefault("async", names["async_"])
        # Now nothing is missing. CPython looks up a name 20 ns faster in a module without this function.
        names.pop("__getattr__", None)
        return names[name]

    def _load(module, names):
        """Make `names` of `module` attributes of this one, but for those that somebody has set before."""
        loaded = __import__(f"{__name__}.{module}", fromlist=names)
        for name in names:
            globals().setdefault(name, getattr(loaded, name))
        return globals()

    def __dir__():
        return sorted({*globals(), *__all__})
