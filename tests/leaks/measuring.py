"""What an operation leaves behind: objects in cycles, objects that are kept, and memory by which the process grows."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import kernel
from compat.events import EventLoop
from kernel import Poller

BATCHES = 10
WARM_UP = 20  # operations, which fill what the interpreter and the libraries keep for the next time
PAGE = os.sysconf("SC_PAGE_SIZE")

Action = Callable[[], Coroutine[Any, Any, object]]
Within = Callable[[], AbstractAsyncContextManager[Any]]


@dataclass(frozen=True)
class Growth:
    """What was there after so many operations and had not been there before."""

    operations: int
    cycles: Counter[str]  # the types of objects that only the collector could free
    kept: Counter[str]  # and of those that somebody still holds
    memory: float  # bytes of resident memory an operation, once it should have stopped growing

    @property
    def objects(self) -> float:
        """Objects an operation."""
        return (self.cycles.total() + self.kept.total()) / self.operations


class LeapingClock:
    """Real time that can be moved ahead, so that every timer is due, also one left dead in a heap."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        return time.monotonic() + self._ahead

    def leap(self) -> None:
        self._ahead += 1e6

    def idle(self, poller: Poller, deadline: float, busy_outside: bool) -> Iterable[Any]:
        return poller.poll(None if deadline == float("inf") else max(0.0, deadline - self.now()))


def resident() -> int:
    """Bytes of memory that the process occupies."""
    with open("/proc/self/statm", "rb") as statm:
        return int(statm.read().split()[1]) * PAGE


@contextmanager
def collector_off() -> Iterator[None]:
    """What exists by now is left out of every count inside, and of every collection from now on.

    Nothing is logged, since who tests logging keeps it.
    """
    logging.disable()
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        logging.disable(logging.NOTSET)


async def measure(action: Action, operations: int, settle: Action, enough: int) -> Growth:
    """Run `action` so often in ten batches; again, up to `enough` times, while the process goes on growing."""
    for _ in range(WARM_UP):
        await action()
    await settle()
    count_cycles()
    count_living()
    batch = max(1, operations // BATCHES)
    done = 0
    with collector_off():
        growth = 0.0
        for _ in range(enough):
            sizes = []
            for _ in range(BATCHES):
                for _ in range(batch):
                    await action()
                sizes.append(resident())
            done += batch * BATCHES
            growth = (sizes[-1] - sizes[BATCHES // 2 - 1]) / (batch * BATCHES / 2)
            if growth <= 0:
                break
        await settle()
        cycles = count_cycles()
        kept = count_living()
    return Growth(done, cycles, kept, max(0.0, growth))


def count_cycles() -> Counter[str]:
    """Collect what nothing but the collector can free, and say of which types it is."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        types = Counter(type(one).__qualname__ for one in gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.collect()
    return types


def count_living() -> Counter[str]:
    """Say of which types the objects are that are not left out."""
    return Counter(type(one).__qualname__ for one in gc.get_objects())


def ignore(*args: object) -> None:
    """A failure has been reported."""


async def _measure_within(action: Callable[..., Coroutine[Any, Any, object]], within: Within | None, operations: int,
                          settle: Action, enough: int) -> Growth:
    if within is None:
        return await measure(action, operations, settle, enough)
    async with within() as given:
        return await measure(lambda: action(given), operations, settle, enough)


def on_kernel(action: Callable[..., Coroutine[Any, Any, object]], within: Within | None, operations: int,
              enough: int = 1) -> Growth:
    """Measure an action of the native library, in a task of one kernel."""
    clock = LeapingClock()

    async def settle() -> None:
        for _ in range(3):
            await kernel.sleep(0.005)  # for what tasks and threads have to finish
        clock.leap()
        await kernel.sleep(0.001)

    return kernel.run(_measure_within(action, within, operations, settle, enough), clock=clock, exception_hook=ignore)


def on_loop(action: Callable[..., Coroutine[Any, Any, object]], within: Within | None, operations: int,
            enough: int = 1, *, compat: bool) -> Growth:
    """Measure an action of asyncio, on this project's event loop or on asyncio's own."""
    clock = LeapingClock()

    async def settle() -> None:
        for _ in range(3):
            await asyncio.sleep(0.005)
        clock.leap()
        await asyncio.sleep(0.001)

    def make_loop() -> asyncio.AbstractEventLoop:
        loop = EventLoop(clock=clock) if compat else asyncio.SelectorEventLoop()
        loop.time = clock.now  # type: ignore[method-assign]
        loop.set_exception_handler(ignore)
        loop.set_default_executor(ThreadPoolExecutor(1))  # which starts no second thread in the middle of a measurement
        return loop

    with asyncio.Runner(loop_factory=make_loop) as runner:
        return runner.run(_measure_within(action, within, operations, settle, enough))


def outside(action: Callable[[], object], operations: int, enough: int = 1) -> Growth:
    """Measure a plain call, outside of every kernel and event loop."""
    async def call() -> None:
        action()

    async def settle() -> None:
        pass

    measuring = measure(call, operations, settle, enough)
    try:
        measuring.send(None)
    except StopIteration as stop:
        growth: Growth = stop.value
        return growth
    raise AssertionError("nothing in it waits")
