"""Native syscalls in asyncio's tasks."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Generator
from contextvars import ContextVar
from typing import Any

import pytest

import compat
import kernel
from tests.compat.loops import run
from tests.support.sockets import Pair

Gen = Generator[Any, Any, Any]

variable: ContextVar[str] = ContextVar("variable", default="unset")


def test_native_syscalls_in_an_asyncio_task(pair: Pair) -> None:
    left, right = pair

    async def sub() -> int:
        await kernel.checkpoint()
        return 7

    async def main() -> None:
        loop = asyncio.get_running_loop()
        me = asyncio.current_task()
        mine: object = await kernel.current_task()
        assert mine is me
        assert await kernel.now() == loop.time()
        before = loop.time()
        await kernel.sleep(5)
        await kernel.sleep_until(before + 8)
        assert loop.time() - before == 8
        assert await kernel.call(sub()) == 7
        task = await kernel.spawn(sub(), name="sub")
        assert isinstance(task, compat.Task) and isinstance(task, asyncio.Task)
        assert (task.get_name(), await kernel.wait(task), await task) == ("sub", 7, 7)
        await kernel.wait_writable(left)
        waiting = asyncio.ensure_future(reader())
        await asyncio.sleep(0)
        right.send(b"x")
        assert await waiting == b"x"
        assert asyncio.current_task() is me

    async def reader() -> bytes:
        await kernel.wait_readable(left)
        return left.recv(1)

    run(main())


def test_a_thread_at_work_for_an_asyncio_task() -> None:
    async def main() -> Any:
        variable.set("mine")
        return await kernel.run_in_thread(lambda: (threading.current_thread() is not threading.main_thread(),
                                                   variable.get()))

    assert run(main(), clock=kernel.MonotonicClock()) == (True, "mine")


def test_an_exception_of_a_thread_reaches_the_asyncio_task() -> None:
    async def main() -> None:
        with pytest.raises(ZeroDivisionError):
            await kernel.run_in_thread(lambda: 1 // 0)

    run(main(), clock=kernel.MonotonicClock())


def test_native_and_asyncio_sleepers_share_the_timers() -> None:
    order: list[str] = []

    async def native(seconds: float) -> None:
        await kernel.sleep(seconds)
        order.append(f"native {seconds}")

    async def foreign(seconds: float) -> None:
        await asyncio.sleep(seconds)
        order.append(f"asyncio {seconds}")

    async def main() -> None:
        await asyncio.gather(foreign(3), native(2), native(1), foreign(1.5))

    run(main())
    assert order == ["native 1", "asyncio 1.5", "native 2", "asyncio 3"]


def test_what_is_no_syscall_is_refused_in_each_world_s_words() -> None:
    class Bad:
        def __await__(self) -> Gen:
            yield 42

    async def bad() -> None:
        await Bad()

    async def main() -> None:
        with pytest.raises(RuntimeError, match="Task got bad yield: 42"):
            await asyncio.create_task(bad())
        with pytest.raises(TypeError, match="yielded 42, which is neither a syscall nor code to call"):
            await (await kernel.spawn(bad()))

    run(main())


def test_a_bad_argument_is_an_error_in_the_asyncio_task_alone() -> None:
    async def main() -> None:
        read, write = os.pipe()
        os.close(write)
        os.close(read)
        with pytest.raises(OSError):
            await kernel.wait_readable(read)
        await asyncio.sleep(0)

    run(main())


def test_nothing_of_a_failure_is_left_for_the_next_answer() -> None:
    def fail() -> None:
        raise ValueError

    async def main() -> object:
        try:
            await kernel.run_in_thread(fail)
        except ValueError:
            pass
        return await kernel.Lock().acquire()  # type: ignore[func-returns-value]  # it is to return nothing

    assert compat.run(main()) is None
