"""Calls, waitables, requests of a program's own, async generators, callbacks, descriptors."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, suppress
from typing import Any

from kernel import (Deadlock, Kernel, Syscall, Task, Waitable, call, checkpoint, current_task, sleep, spawn, wait,
                    wait_readable, wait_writable)

from .programs import (cancel_in, count_up, count_up_in_asyncio, generate, nothing, raise_error, until_done,
                       until_future_done, wait_for)
from .rows import native


@native("call")
async def calling() -> None:
    await call(nothing())
    await call(generate())


async def descend(depth: int) -> None:
    if depth == 0:
        raise ValueError("on purpose")
    await call(descend(depth - 1))


@native("call that raises, ten deep")
async def calling_what_fails() -> None:
    with suppress(ValueError):
        await call(descend(10))
    await checkpoint()


def descending(depth: int) -> Generator[Any, Any, None]:
    if depth == 0:
        raise ValueError("on purpose")
    yield descending(depth - 1)


@native("generators that call, and raise ten deep")
async def generators_that_fail() -> None:
    with suppress(ValueError):
        await call(descending(10))
    await checkpoint()


def wrong() -> Generator[Any, Any, None]:
    with suppress(TypeError):
        yield 42


@native("yield of what is no request")
async def yielding_wrong() -> None:
    await (await spawn(wrong()))


@native("spawn of what is no code")
async def spawning_wrong() -> None:
    with suppress(TypeError):
        await spawn(42)  # type: ignore[arg-type]


@native("Waitable completed")
async def completing() -> None:
    waitable = Waitable[int]()
    task = await spawn(wait_for(waitable))
    await checkpoint()
    waitable.complete(1)
    await task


@completing.asyncio()
async def _() -> None:
    future = asyncio.get_running_loop().create_future()
    task = asyncio.ensure_future(asyncio.wait([future]))
    await asyncio.sleep(0)
    future.set_result(1)
    await task


@native("Waitable failed under a task that waits by name", as_asyncio=True)
async def failing_waitable() -> None:
    waitable = Waitable[int]()
    task = await spawn(wait_for(waitable))
    await checkpoint()
    waitable.fail(ValueError("on purpose"))
    await until_done(task)
    task.exception()


@failing_waitable.asyncio()
async def _() -> None:
    async def one(future: asyncio.Future[None]) -> None:
        await future

    future = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(one(future))
    await asyncio.sleep(0)
    future.set_exception(ValueError("on purpose"))
    await until_future_done(task)
    task.exception()


@native("Waitable failed, then awaited by name", as_asyncio=True)
async def failed_waitable() -> None:
    waitable = Waitable[int]()
    waitable.fail(ValueError("on purpose"))
    try:
        await waitable
    except ValueError:
        pass


@failed_waitable.asyncio(on_compat="Future set_exception, await by name")
async def _() -> None:
    future = asyncio.get_running_loop().create_future()
    future.set_exception(ValueError("on purpose"))
    try:
        await future
    except ValueError:
        pass


@native("Waitable failed, nobody looks")
async def failed_waitable_alone() -> None:
    Waitable[int]().fail(ValueError("on purpose"))


@native("Waitable awaited, cancelled")
async def waitable_cancelled() -> None:
    await cancel_in(Waitable[int])


@native("wait for itself")
async def waiting_for_itself() -> None:
    with suppress(Deadlock):
        await wait(await current_task())


@native("two wait for each other")
async def waiting_for_each_other() -> None:
    tasks: list[Task[None]] = []

    async def wait_for_other(index: int) -> None:
        with suppress(Deadlock):
            await wait(tasks[index])

    tasks.append(await spawn(wait_for_other(1)))
    tasks.append(await spawn(wait_for_other(0)))
    for task in tasks:
        await until_done(task)
    tasks.clear()


class Nap(Syscall[None]):
    """A request of a program's own, which keeps the task that waits."""

    task: Task[Any]

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        self.task = task
        return False

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        pass


@native("a request of the program's own, cancelled")
async def own_request_cancelled() -> None:
    await cancel_in(Nap)


@native("async generator")
async def iterating() -> None:
    async for _ in count_up():
        pass


@iterating.asyncio(on_compat="async generator")
async def _() -> None:
    async for _ in count_up_in_asyncio():
        pass


@native("async generator broken off")
async def breaking_off() -> None:
    async for _ in count_up():
        break
    for _ in range(4):
        await checkpoint()


@breaking_off.asyncio(on_compat="async generator broken off")
async def _() -> None:
    async for _ in count_up_in_asyncio():
        break
    for _ in range(4):
        await asyncio.sleep(0)


@native("call_from_thread")
async def calling_from_thread() -> None:
    running = (await current_task()).kernel
    waitable = Waitable[None]()
    running.call_from_thread(waitable.complete, None)
    await waitable


@calling_from_thread.asyncio(on_compat="call_soon_threadsafe")
async def _() -> None:
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon_threadsafe(future.set_result, None)
    await future


@native("call_from_thread of what fails")
async def calling_what_fails_from_thread() -> None:
    (await current_task()).kernel.call_from_thread(raise_error)
    await sleep(1e-6)


@calling_what_fails_from_thread.asyncio()
async def _() -> None:
    asyncio.get_running_loop().call_soon_threadsafe(raise_error)
    await asyncio.sleep(1e-6)


@native("expect_calls")
async def expecting_calls() -> None:
    with (await current_task()).kernel.expect_calls():
        await checkpoint()


@asynccontextmanager
async def pipe() -> AsyncIterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)
    os.close(writing)


@native("wait_readable, wait_writable", within=pipe)
async def waiting_for_descriptors(ends: tuple[int, int]) -> None:
    await wait_writable(ends[1])
    os.write(ends[1], b"x")
    await wait_readable(ends[0])
    os.read(ends[0], 1)


@waiting_for_descriptors.asyncio(within=pipe, on_compat="add_reader, remove_reader")
async def _(ends: tuple[int, int]) -> None:
    loop = asyncio.get_running_loop()
    os.write(ends[1], b"x")
    future = loop.create_future()
    loop.add_reader(ends[0], future.set_result, None)
    await future
    loop.remove_reader(ends[0])
    os.read(ends[0], 1)


@native("wait_readable cancelled", within=pipe)
async def waiting_for_descriptor_cancelled(ends: tuple[int, int]) -> None:
    await cancel_in(lambda: wait_readable(ends[0]))


@native("wait_readable of what is closed")
async def waiting_for_closed_descriptor() -> None:
    with suppress(OSError):
        await wait_readable(10_000)
