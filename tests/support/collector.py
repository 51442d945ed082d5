"""The garbage collector: what only it can free, and tests without it."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from kernel import sleep

TIMES = 50  # as often an operation is carried out: what it leaves is there as many times


@contextmanager
def collector_off() -> Iterator[None]:
    """While inside, an object that is in a reference cycle stays."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def left_by(operation: Callable[[], Awaitable[object]], idle: float = 0.0) -> Counter[str]:
    """How many objects of which types only the collector frees after `TIMES` times `operation`.

    Threads and processes that have answered may take `idle` seconds to put away what they answered with.
    """
    for _ in range(5):
        await operation()  # what is made once: threads, worker processes, caches
    await sleep(idle)
    with collector_off():
        gc.freeze()
        try:
            for _ in range(TIMES):
                await operation()
            await sleep(idle)
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            return Counter(type(each).__qualname__ for each in gc.garbage)
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.unfreeze()
