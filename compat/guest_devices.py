"""The devices of a kernel that is a guest. They call the methods of its host, an event loop of another make."""

from __future__ import annotations

import asyncio
from typing import Any

from kernel.devices.protocols import Event, Listener, Timer
from kernel.failures import fire_failed
from kernel.timers import Timers

from .current import swap

AnyGuest = Any  # a `Guest`; its module imports this one


def fire(kernel: AnyGuest, event: Event) -> None:
    """What the kernel does with an event in its own turn, which a guest has not."""
    try:
        event.fire(kernel)
    except BaseException as error:
        fire_failed(kernel, event, error)


class LoopQueue:
    """The ready queue: what is appended to it, the loop runs."""

    def __init__(self, kernel: AnyGuest) -> None:
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

    def __init__(self, kernel: AnyGuest) -> None:
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

    def __init__(self, kernel: AnyGuest) -> None:
        self._kernel = kernel

    def now(self) -> float:
        return self._kernel.loop.time()  # type: ignore[no-any-return]  # a float

    def idle(self, poller: object, deadline: float, busy_outside: bool) -> list[Event]:
        raise RuntimeError("a guest kernel is run by its event loop")


class LoopPoller:
    """The poller: readers and writers of the loop."""

    def __init__(self, kernel: AnyGuest) -> None:
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
        return (loop.remove_writer if writing else loop.remove_reader)(fd)  # type: ignore[no-any-return]  # a bool

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
