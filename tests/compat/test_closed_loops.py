"""An event loop that is closed: what is left of it, and what a thread is told that calls into it."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

import compat
import kernel
from compat.events import EventLoop
from kernel.devices.epoll_poller import EpollPoller


def test_a_loop_that_is_closed_can_be_collected() -> None:
    async def main() -> None:
        await kernel.sleep(0.001)
        await (await kernel.spawn(asyncio.sleep(0)))

    loop = compat.new_event_loop()
    loop.run_until_complete(main())
    loop.close()
    reference = weakref.ref(loop)
    del loop
    gc.collect()
    assert reference() is None


def test_a_closed_loop_needs_no_garbage_collector(uncollected: None) -> None:
    """Neither does asyncio's; found by tornado's search for circular references."""

    async def main() -> None:
        await asyncio.create_task(asyncio.sleep(0.001))
        await asyncio.get_running_loop().run_in_executor(None, int)

    compat.run(main())  # what is made but once
    loop = EventLoop()
    loop.run_until_complete(main())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    kernel, gone = loop.kernel, weakref.ref(loop)
    del loop
    assert gone() is None
    with pytest.raises(RuntimeError, match="the kernel is closed"):
        kernel.spawn(main())


class LatePoller(EpollPoller):
    """Wakes the kernel only when the loop has been closed in the meantime."""

    def __init__(self) -> None:
        super().__init__()
        self.about_to_wake = threading.Event()
        self.closed = threading.Event()

    def wake(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            self.about_to_wake.set()
            assert self.closed.wait(10)
        super().wake()

    def close(self) -> None:
        super().close()
        self.closed.set()


def test_a_thread_calls_at_the_moment_that_the_loop_is_closed() -> None:
    """It is told nothing, as by asyncio, when it was in time to look; found by starlette's suite and its threads."""
    poller = LatePoller()
    loop = EventLoop(poller=poller)

    def call() -> None:
        while not poller.about_to_wake.is_set():  # until the loop was found asleep
            loop.call_soon_threadsafe(int)

    async def main() -> None:
        while not poller.about_to_wake.is_set():
            await asyncio.sleep(0.01)

    with ThreadPoolExecutor(1) as pool:
        calling = pool.submit(call)
        try:
            loop.run_until_complete(main())
        finally:
            loop.close()
        calling.result(10)
