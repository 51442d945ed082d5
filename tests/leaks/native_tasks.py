"""Tasks, requests, waitables, async generators and callbacks."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, suppress
from typing import Any

from kernel import (Cancelled, Deadlock, Kernel, Syscall, Task, Waitable, call, cancel, checkpoint, current_task, now, sleep,
                    sleep_until, spawn, wait, wait_readable, wait_writable)

from .rows import native

HOUR = 3600.0


async def nothing() -> None:
    pass


async def fail() -> None:
    raise ValueError("on purpose")


def generate() -> Generator[Any, Any, int]:
    yield
    return 1


def generate_failure() -> Generator[Any, Any, None]:
    yield
    raise ValueError("on purpose")


async def make(ask: Callable[[], Awaitable[object]]) -> None:
    await ask()


async def wait_for(waitable: Waitable[Any]) -> None:
    await waitable


async def wait_forever() -> None:
    await Waitable[None]()


async def until_done(task: Task[Any]) -> None:
    """Until the task has ended, without asking how."""
    while not task.done():
        await checkpoint()


async def cancel_in(ask: Callable[[], Awaitable[object]]) -> None:
    """Cancel a task while it waits for what `ask` returns."""
    task = await spawn(make(ask))
    await checkpoint()
    assert task.state == "blocked"
    task.cancel()
    await until_done(task)


async def cancel_task_in(ask: Callable[[], Awaitable[object]]) -> None:
    """The same in asyncio."""
    task = asyncio.create_task(make(ask))
    await asyncio.sleep(0)
    task.cancel()
    while not task.done():
        await asyncio.sleep(0)


@native("sleep")
async def sleeping() -> None:
    await sleep(1e-6)


@sleeping.asyncio()
async def _() -> None:
    await asyncio.sleep(1e-6)


@native("sleep_until, now, current_task, checkpoint")
async def asking() -> None:
    await sleep_until(await now())
    await current_task()
    await checkpoint()


@native("sleep cancelled")
async def sleep_cancelled() -> None:
    await cancel_in(lambda: sleep(HOUR))


@sleep_cancelled.asyncio()
async def _() -> None:
    await cancel_task_in(lambda: asyncio.sleep(HOUR))


@native("spawn and wait")
async def spawning() -> None:
    await (await spawn(nothing()))


@spawning.asyncio()
async def _() -> None:
    await asyncio.create_task(nothing())


@native("spawn and wait for a generator")
async def spawning_a_generator() -> None:
    await (await spawn(generate()))


@native("spawn and forget")
async def spawning_and_forgetting() -> None:
    await spawn(nothing(), daemon=True)
    await checkpoint()


@spawning_and_forgetting.asyncio()
async def _() -> None:
    asyncio.create_task(nothing())
    await asyncio.sleep(0)


@native("spawn, fail, wait")
async def failing() -> None:
    with suppress(ValueError):
        await (await spawn(fail()))


@failing.asyncio()
async def _() -> None:
    with suppress(ValueError):
        await asyncio.create_task(fail())


@native("spawn, fail, wait by name", as_asyncio=True)
async def failing_by_name() -> None:
    task = await spawn(fail())
    try:
        await task
    except ValueError:
        pass


@failing_by_name.asyncio()
async def _() -> None:
    task = asyncio.create_task(fail())
    try:
        await task
    except ValueError:
        pass


@native("spawn a generator, fail, wait")
async def failing_generator() -> None:
    with suppress(ValueError):
        await (await spawn(generate_failure()))


@native("spawn, fail, ask for the exception")
async def failing_and_asking() -> None:
    task = await spawn(fail())
    await until_done(task)
    assert task.exception() is not None


@failing_and_asking.asyncio()
async def _() -> None:
    task = asyncio.create_task(fail())
    await asyncio.sleep(0)
    assert task.exception() is not None


@native("spawn, fail, result() by name", as_asyncio=True)
async def failing_and_result() -> None:
    task = await spawn(fail())
    await until_done(task)
    try:
        task.result()
    except ValueError:
        pass


@failing_and_result.asyncio()
async def _() -> None:
    task = asyncio.create_task(fail())
    await asyncio.sleep(0)
    try:
        task.result()
    except ValueError:
        pass


@native("spawn, fail, nobody waits")
async def failing_alone() -> None:
    await spawn(fail())
    await checkpoint()


@failing_alone.asyncio()
async def _() -> None:
    asyncio.create_task(fail())
    await asyncio.sleep(0)


@native("a daemon fails")
async def failing_daemon() -> None:
    await spawn(fail(), daemon=True)
    await checkpoint()


@native("one fails, two wait by name", as_asyncio=True)
async def failing_for_two() -> None:
    failing = await spawn(fail())
    waiting = [await spawn(wait_for(failing)) for _ in range(2)]
    for task in waiting:
        await until_done(task)
        task.exception()


@failing_for_two.asyncio()
async def _() -> None:
    async def one(task: asyncio.Task[None]) -> None:
        await task

    failing = asyncio.create_task(fail())
    waiting = [asyncio.create_task(one(failing)) for _ in range(2)]
    for task in waiting:
        while not task.done():
            await asyncio.sleep(0)
        task.exception()


@native("cancel, wait")
async def cancelling() -> None:
    task = await spawn(wait_forever())
    await checkpoint()
    await cancel(task)
    await until_done(task)


@cancelling.asyncio()
async def _() -> None:
    await cancel_task_in(asyncio.get_running_loop().create_future)


@native("cancel, wait by name")
async def cancelling_by_name() -> None:
    task = await spawn(wait_forever())
    await checkpoint()
    task.cancel()
    try:
        await task
    except Cancelled:
        pass


@cancelling_by_name.asyncio()
async def _() -> None:
    task = asyncio.create_task(asyncio.sleep(HOUR))
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass


@native("cancel with a message, ask for the exception")
async def cancelling_and_asking() -> None:
    task = await spawn(wait_forever())
    await checkpoint()
    task.cancel("enough")
    await until_done(task)
    assert task.cancelled() and task.exception() is not None


@native("cancel before it starts")
async def cancelling_early() -> None:
    task = await spawn(nothing())
    task.cancel()
    await until_done(task)


@cancelling_early.asyncio()
async def _() -> None:
    task = asyncio.create_task(nothing())
    task.cancel()
    while not task.done():
        await asyncio.sleep(0)


@native("cancel a running task, which takes it back")
async def cancelling_itself() -> None:
    task = await current_task()
    task.cancel()
    with suppress(Cancelled):
        await sleep(HOUR)
    task.uncancel()


@native("cancel, and be taken back at once")
async def uncancelling() -> None:
    task = await current_task()
    task.cancel()
    task.uncancel()


@native("wait cancelled")
async def wait_cancelled() -> None:
    task = await spawn(wait_forever())
    await cancel_in(lambda: wait(task))
    task.cancel()
    await until_done(task)


@wait_cancelled.asyncio()
async def _() -> None:
    future = asyncio.get_running_loop().create_future()
    await cancel_task_in(lambda: asyncio.wait([future]))


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
    while not task.done():
        await asyncio.sleep(0)
    task.exception()


@native("Waitable failed, then awaited by name", as_asyncio=True)
async def failed_waitable() -> None:
    waitable = Waitable[int]()
    waitable.fail(ValueError("on purpose"))
    try:
        await waitable
    except ValueError:
        pass


@failed_waitable.asyncio()
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


async def count_up() -> AsyncIterator[int]:
    for number in range(3):
        await sleep(0)
        yield number


async def count_up_in_asyncio() -> AsyncIterator[int]:
    for number in range(3):
        await asyncio.sleep(0)
        yield number


@native("async generator")
async def iterating() -> None:
    async for _ in count_up():
        pass


@iterating.asyncio()
async def _() -> None:
    async for _ in count_up_in_asyncio():
        pass


@native("async generator broken off")
async def breaking_off() -> None:
    async for _ in count_up():
        break
    for _ in range(4):
        await checkpoint()


@breaking_off.asyncio()
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


@calling_from_thread.asyncio()
async def _() -> None:
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon_threadsafe(future.set_result, None)
    await future


def raise_error() -> None:
    raise ValueError("on purpose")


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


@waiting_for_descriptors.asyncio(within=pipe)
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
