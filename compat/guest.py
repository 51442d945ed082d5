"""The kernel as a guest: our tasks, and so native syscalls, on an event loop of another make, such as uvloop.

That loop is the scheduler. The kernel's devices call its methods: see `guest_devices.py`.
"""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Callable
from contextvars import Context
from typing import Any, TypeVar

from kernel.core import Kernel
from kernel.devices import ReadyQueue
from kernel.syscalls import Code
from kernel.task import Task as KernelTask

T = TypeVar("T")
logger = logging.getLogger("asyncio")

_kernels: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Guest] = weakref.WeakKeyDictionary()


def guest_of(loop: asyncio.AbstractEventLoop, task_type: Callable[..., KernelTask[Any]]) -> Guest:
    """The kernel that is a guest of `loop`, which has none of its own. Its `spawn` makes tasks by `task_type`."""
    kernel = _kernels.get(loop)
    if kernel is None:
        kernel = _kernels[loop] = Guest(loop, task_type)
    return kernel


class AsyncioKernel(Kernel):
    """A kernel whose tasks are asyncio tasks: the kernel of a loop of ours, or a guest."""

    debug: bool  # as `loop.get_debug()`
    wakeup_context: Context  # in which another loop calls a task whose wait is over
    unchecked: ReadyQueue | None = None  # the ready queue, for callbacks that need no check; None where they need one

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        raise NotImplementedError

    def everyone(self) -> list[KernelTask[Any]]:
        tasks: set[Any] = asyncio.all_tasks(self.loop)
        return [task for task in tasks if isinstance(task, KernelTask)]


class Guest(AsyncioKernel):
    """A kernel that has another event loop run its items."""

    def __init__(self, loop: asyncio.AbstractEventLoop, task_type: Callable[..., KernelTask[Any]]) -> None:
        # Here, to save start-up time: loops of ours have no guest.
        from .guest_devices import LoopClock, LoopPoller, LoopQueue, LoopTimers
        self._loop = weakref.ref(loop)
        self._task_type = task_type
        super().__init__(ready=LoopQueue(self), clock=LoopClock(self), poller=LoopPoller(self))
        self.timers = LoopTimers(self)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        loop = self._loop()
        assert loop is not None, "only its tasks use a guest, and they hold the loop"
        return loop

    def spawn(self, code: Code[T], name: str | None = None, daemon: bool = False,
              context: Context | None = None) -> KernelTask[T]:
        return self._task_type(code, loop=self.loop, name=name, daemon=daemon, context=context)

    def report(self, message: str, error: BaseException) -> None:
        self.loop.call_exception_handler({"message": message, "exception": error})

    @property
    def debug(self) -> bool:  # type: ignore[override]
        return self.loop.get_debug()

    @property
    def wakeup_context(self) -> Context:  # type: ignore[override]
        return Context()  # not the task's own: the task enters that for its step, and a context is not entered twice

    def call_from_thread(self, function: Callable[..., object], *args: Any) -> None:
        loop = self._loop()
        if loop is None or loop.is_closed():
            logger.debug("%r came after its event loop was closed", function)
        else:
            loop.call_soon_threadsafe(function, *args)
