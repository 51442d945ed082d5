"""What the test suites of libraries have found: each a program that once did something else than on asyncio's loop."""

from __future__ import annotations

import asyncio
import errno
import gc
import socket
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

import compat
from compat.events import EventLoop
from kernel.devices.epoll_poller import EpollPoller


@pytest.mark.parametrize("writing", [False, True])
def test_a_closed_socket_is_taken_from_the_watched_ones(writing: bool) -> None:
    """It has no number any more, and is known as the object that was given to `add_reader`; found by anyio's suite."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        add, remove = (loop.add_writer, loop.remove_writer) if writing else (loop.add_reader, loop.remove_reader)
        first, second = socket.socketpair()
        number = first.fileno()
        with first, second:
            add(first, print)
        assert remove(first) is True
        with pytest.raises(ValueError, match="-1"):
            remove(first)
        assert remove(number) is False

    compat.run(main())


def test_a_closed_socket_does_not_stand_for_the_next_of_its_number() -> None:
    async def main() -> bytes:
        loop = asyncio.get_running_loop()
        closed, other = socket.socketpair()
        loop.add_reader(closed, print)
        number = closed.fileno()
        closed.close()
        other.close()
        left, right = socket.socketpair()
        with left, right:
            assert left.fileno() == number
            told = loop.create_future()
            loop.add_reader(left.fileno(), told.set_result, None)
            with pytest.raises(ValueError, match="-1"):
                loop.remove_reader(closed)
            right.send(b"x")
            async with asyncio.timeout(10):
                await told
            assert loop.remove_reader(left)
            return left.recv(1)

    assert compat.run(main()) == b"x"


@pytest.mark.parametrize("writing", [False, True])
def test_taking_one_of_two_listeners_from_a_closed_descriptor(writing: bool) -> None:
    """The other cannot be kept, which is an error, and is told once; found by tornado's suite."""

    async def main() -> list[object]:
        loop = asyncio.get_running_loop()
        told: list[object] = []
        loop.set_exception_handler(lambda loop, context: told.append(context))
        left, right = socket.socketpair()
        number = left.fileno()
        loop.add_reader(number, told.append, "readable")
        loop.add_writer(number, told.append, "writable")
        left.close()
        with pytest.raises(OSError) as raised:
            (loop.remove_writer if writing else loop.remove_reader)(number)
        assert raised.value.errno == errno.EBADF
        assert not loop.remove_reader(number)
        assert not loop.remove_writer(number)
        await asyncio.sleep(0.001)
        right.close()
        return told

    assert compat.run(main()) == asyncio.run(main()) == []


@pytest.mark.parametrize("debug", [False, True])
def test_the_exception_of_a_task_does_not_keep_the_task(debug: bool) -> None:
    """By its traceback and the frame of what ran the task; found by the tests of anyio's task groups."""

    async def fail() -> None:
        raise ValueError

    async def main() -> list[type]:
        task = asyncio.ensure_future(fail())
        await asyncio.wait([task])
        error = task.exception()
        del task
        return [type(referrer) for referrer in gc.get_referrers(error)]

    assert compat.run(main(), debug=debug) == asyncio.run(main(), debug=debug)


def test_a_closed_loop_needs_no_garbage_collector() -> None:
    """Neither does asyncio's; found by tornado's search for circular references."""

    async def main() -> None:
        await asyncio.create_task(asyncio.sleep(0.001))
        await asyncio.get_running_loop().run_in_executor(None, int)

    compat.run(main())  # what is made but once
    gc.collect()
    gc.disable()
    try:
        loop = EventLoop()
        loop.run_until_complete(main())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
        kernel, gone = loop.kernel, weakref.ref(loop)
        del loop
        assert gone() is None
        with pytest.raises(RuntimeError, match="the kernel is closed"):
            kernel.spawn(main())
    finally:
        gc.enable()


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
