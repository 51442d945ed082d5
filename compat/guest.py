"""The kernel as a guest: our tasks, and so native syscalls, on an event loop of another make, such as uvloop.

That loop is the scheduler. The kernel's devices call its methods.
"""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Callable
from contextvars import Context
from typing import Any, TypeVar

from kernel.core import Kernel
from kernel.devices.protocols import Event, Listener, ReadyQueue
from kernel.failures import fire_failed
from kernel.syscalls import Code
from kernel.task import Task as KernelTask
from kernel.timers import Timer, Timers

from .current import swap

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


def fire(kernel: Guest, event: Event) -> None:
    """What the kernel does with an event in its own turn, which a guest has not."""
    try:
        event.fire(kernel)
    except BaseException as error:
        fire_failed(kernel, event, error)


class LoopQueue:
    """The ready queue: what is appended to it, the loop runs."""

    def __init__(self, kernel: Guest) -> None:
        self._kernel = kernel

    def append(self, item: Any, /) -> None:
        self._kernel.loop.call_soon(self._run, item)

    def _run(self, item: Any) -> None:
        loop = self._kernel.loop
        previous = swap(loop, None)
        try:
            item.run(self._kernel)
        finally:
            self._kernel.current = None
            swap(loop, previous)
            del item  # a traceback that the task keeps may keep this frame

    def popleft(self) -> Any:
        raise IndexError("the event loop has taken all that was appended")

    def __len__(self) -> int:
        return 0


class LoopTimers(Timers):
    """The timers: calls that the loop makes later."""

    __slots__ = ("_calls", "_kernel")

    def __init__(self, kernel: Guest) -> None:
        super().__init__()
        self._kernel = kernel
        self._calls: dict[int, asyncio.TimerHandle] = {}  # by the identity of the timer, which the handle keeps

    def add(self, deadline: float, timer: Timer) -> None:
        super().add(deadline, timer)  # which refuses what cannot be a timer
        self.heap.clear()
        self._calls[id(timer)] = self._kernel.loop.call_at(deadline, self._expire, timer)

    def _expire(self, timer: Timer) -> None:
        del self._calls[id(timer)]
        timer.dead = True
        fire(self._kernel, timer)

    def cancel(self, timer: Timer) -> None:
        if timer.dead is False:
            timer.dead = True
            self._calls.pop(id(timer)).cancel()


class LoopClock:
    """The loop's clock."""

    def __init__(self, kernel: Guest) -> None:
        self._kernel = kernel

    def now(self) -> float:
        return self._kernel.loop.time()

    def idle(self, poller: object, deadline: float, busy_outside: bool) -> list[Event]:
        raise RuntimeError("a guest kernel is run by its event loop")


class LoopPoller:
    """The poller: readers and writers of the loop."""

    def __init__(self, kernel: Guest) -> None:
        self._kernel = kernel
        self._listeners: dict[tuple[int, bool], Listener] = {}

    def watch(self, fd: int, writing: bool, listener: Listener) -> None:
        if (fd, writing) in self._listeners:
            raise RuntimeError(f"descriptor {fd} is waited for already, by {self._listeners[fd, writing]!r}")
        loop = self._kernel.loop
        (loop.add_writer if writing else loop.add_reader)(fd, self._ready, fd, writing, listener)
        self._listeners[fd, writing] = listener

    def unwatch(self, fd: int, writing: bool) -> bool:
        self._listeners.pop((fd, writing), None)
        loop = self._kernel.loop
        return (loop.remove_writer if writing else loop.remove_reader)(fd)

    def drop(self, event: Event) -> None:
        for fd, writing in [place for place, listener in self._listeners.items() if listener is event]:
            self.unwatch(fd, writing)

    def listener(self, fd: int, writing: bool) -> Listener | None:
        return self._listeners.get((fd, writing))

    def _ready(self, fd: int, writing: bool, listener: Listener) -> None:
        if listener.once:
            self.unwatch(fd, writing)
        fire(self._kernel, listener)

    def watching(self) -> bool:
        return True

    def poll(self, timeout: float | None) -> list[Event]:
        raise RuntimeError("a guest kernel is run by its event loop")

    def wake(self) -> None:
        """Do nothing: the loop wakes itself."""

    def wakeup_fd(self) -> int:
        raise RuntimeError("a guest kernel is run by its event loop")

    def close(self) -> None:
        """Do nothing: a guest has nothing to release."""
