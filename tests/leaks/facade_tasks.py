"""What asyncio programs do with tasks and futures, on this project's event loop and on asyncio's own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import compat
from compat.events import EventLoop

from .programs import HOUR, cancel_task_in, count_up_in_asyncio, fail, make, nothing, raise_error
from .rows import facade


async def until_done(future: asyncio.Future[Any]) -> None:
    """Until it has ended, without asking how."""
    while not future.done():
        await asyncio.sleep(0)


@facade("sleep")
async def sleeping() -> None:
    await asyncio.sleep(1e-6)


@facade("create_task")
async def creating() -> None:
    await asyncio.create_task(nothing())


@facade("create_task, fail")
async def failing() -> None:
    with suppress(ValueError):
        await asyncio.create_task(fail())


@facade("create_task, fail, await by name")
async def failing_by_name() -> None:
    task = asyncio.create_task(fail())
    try:
        await task
    except ValueError:
        pass


@facade("create_task, fail, result() by name")
async def failing_and_result() -> None:
    task = asyncio.create_task(fail())
    await asyncio.sleep(0)
    try:
        task.result()
    except ValueError:
        pass


@facade("create_task, fail, nobody waits")
async def failing_alone() -> None:
    asyncio.create_task(fail())
    await asyncio.sleep(0)


@facade("cancel")
async def cancelling() -> None:
    await cancel_task_in(lambda: asyncio.sleep(HOUR))


@facade("cancel, await by name")
async def cancelling_by_name() -> None:
    task = asyncio.create_task(asyncio.sleep(HOUR))
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass


@facade("cancel before it starts")
async def cancelling_early() -> None:
    task = asyncio.create_task(nothing())
    task.cancel("enough")
    await until_done(task)


@asynccontextmanager
async def eager() -> AsyncIterator[None]:
    """Tasks make their first step at once."""
    loop = asyncio.get_running_loop()
    module: Any = compat if isinstance(loop, EventLoop) else asyncio
    loop.set_task_factory(module.eager_task_factory)  # since Python 3.12
    yield
    loop.set_task_factory(None)


if sys.version_info >= (3, 12):
    @facade("create_task, eager", within=eager)
    async def creating_eagerly(nothing_given: None) -> None:
        await asyncio.create_task(nothing())
        await asyncio.create_task(asyncio.sleep(0))


    @facade("create_task, eager, fail", within=eager)
    async def failing_eagerly(nothing_given: None) -> None:
        with suppress(ValueError):
            await asyncio.create_task(fail())


    @facade("create_task, eager, cancel", within=eager)
    async def cancelling_eager(nothing_given: None) -> None:
        await cancel_task_in(lambda: asyncio.sleep(HOUR))


@facade("add_done_callback, a callback fails")
async def failing_callback() -> None:
    task = asyncio.create_task(nothing())
    task.add_done_callback(lambda task: raise_error())
    await task
    await asyncio.sleep(0)


@facade("Future set_exception, await by name")
async def failing_future() -> None:
    future = asyncio.get_running_loop().create_future()
    future.set_exception(ValueError("on purpose"))
    try:
        await future
    except ValueError:
        pass


@facade("Future failed, nobody looks")
async def failed_future_alone() -> None:
    asyncio.get_running_loop().create_future().set_exception(ValueError("on purpose"))


@facade("Future cancelled")
async def cancelled_future() -> None:
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    with suppress(asyncio.CancelledError):
        await future


@facade("gather")
async def gathering() -> None:
    await asyncio.gather(nothing(), nothing())


@facade("gather, one fails")
async def gathering_failure() -> None:
    with suppress(ValueError):
        await asyncio.gather(nothing(), fail())


@facade("gather, return_exceptions")
async def gathering_exceptions() -> None:
    await asyncio.gather(nothing(), fail(), return_exceptions=True)


@facade("gather cancelled")
async def gathering_cancelled() -> None:
    await cancel_task_in(lambda: asyncio.gather(asyncio.sleep(HOUR), asyncio.sleep(HOUR)))


@facade("wait")
async def waiting() -> None:
    await asyncio.wait([asyncio.create_task(nothing()), asyncio.create_task(asyncio.sleep(0))])


@facade("wait, FIRST_EXCEPTION")
async def waiting_for_failure() -> None:
    done, pending = await asyncio.wait([asyncio.create_task(fail()), asyncio.create_task(asyncio.sleep(HOUR))],
                                       return_when=asyncio.FIRST_EXCEPTION)
    for task in pending:
        task.cancel()
        await until_done(task)
    for task in done:
        task.exception()


@facade("wait cancelled")
async def waiting_cancelled() -> None:
    future = asyncio.get_running_loop().create_future()
    await cancel_task_in(lambda: asyncio.wait([future]))


@facade("wait_for")
async def waiting_for() -> None:
    await asyncio.wait_for(nothing(), HOUR)


@facade("wait_for times out")
async def waiting_for_too_long() -> None:
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(asyncio.sleep(HOUR), 1e-6)


@facade("wait_for cancelled")
async def waiting_for_cancelled() -> None:
    await cancel_task_in(lambda: asyncio.wait_for(asyncio.sleep(HOUR), HOUR))


@facade("timeout")
async def timeout() -> None:
    async with asyncio.timeout(HOUR):
        await asyncio.sleep(0)


@facade("timeout expired")
async def timeout_expired() -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(0):
            await asyncio.sleep(HOUR)


@facade("TaskGroup")
async def grouping() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(nothing())
        group.create_task(nothing())


@facade("TaskGroup, a child fails")
async def grouping_failure() -> None:
    with suppress(BaseExceptionGroup):
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
            group.create_task(asyncio.sleep(HOUR))


@facade("TaskGroup, its body fails")
async def grouping_failing_body() -> None:
    with suppress(BaseExceptionGroup):
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(HOUR))
            await asyncio.sleep(0)
            raise ValueError("on purpose")


async def wait_in_group() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(HOUR))


@facade("TaskGroup cancelled from outside")
async def grouping_cancelled() -> None:
    await cancel_task_in(wait_in_group)


@facade("as_completed")
async def completing() -> None:
    for future in asyncio.as_completed([nothing(), nothing()]):
        await future


@facade("shield")
async def shielding() -> None:
    await asyncio.shield(nothing())


@facade("shield cancelled, then fails")
async def shielding_cancelled() -> None:
    future = asyncio.get_running_loop().create_future()
    await cancel_task_in(lambda: asyncio.shield(future))
    future.set_exception(ValueError("on purpose"))
    await asyncio.sleep(0)


@facade("Event")
async def event() -> None:
    event = asyncio.Event()
    task = asyncio.create_task(event.wait())
    await asyncio.sleep(0)
    event.set()
    await task


@facade("Event.wait cancelled")
async def event_cancelled() -> None:
    await cancel_task_in(asyncio.Event().wait)


@facade("Lock")
async def lock() -> None:
    lock = asyncio.Lock()
    async with lock:
        task = asyncio.create_task(make(lock.acquire))
        await asyncio.sleep(0)
    await task


@facade("Lock.acquire cancelled")
async def lock_cancelled() -> None:
    lock = asyncio.Lock()
    async with lock:
        await cancel_task_in(lock.acquire)


@facade("Semaphore.acquire cancelled")
async def semaphore_cancelled() -> None:
    await cancel_task_in(asyncio.Semaphore(0).acquire)


@facade("Barrier")
async def barrier() -> None:
    barrier = asyncio.Barrier(2)
    task = asyncio.create_task(make(barrier.wait))
    await asyncio.sleep(0)
    await barrier.wait()
    await task


async def wait_at(condition: asyncio.Condition) -> None:
    async with condition:
        await condition.wait()


@facade("Condition.wait")
async def condition() -> None:
    condition = asyncio.Condition()
    task = asyncio.create_task(wait_at(condition))
    await asyncio.sleep(0)
    async with condition:
        condition.notify()
    await task


@facade("Condition.wait cancelled")
async def condition_cancelled() -> None:
    condition = asyncio.Condition()
    await cancel_task_in(lambda: wait_at(condition))


@facade("Queue put, get, join")
async def queue() -> None:
    queue = asyncio.Queue[int](1)
    getter = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    await queue.put(1)
    await getter
    queue.task_done()
    await queue.put(2)
    putter = asyncio.create_task(queue.put(3))
    await asyncio.sleep(0)
    for _ in range(2):
        await queue.get()
        queue.task_done()
    await putter
    await queue.join()


@facade("Queue.get cancelled")
async def get_cancelled() -> None:
    await cancel_task_in(asyncio.Queue[int]().get)


@facade("async generator")
async def iterating() -> None:
    async for _ in count_up_in_asyncio():
        pass


@facade("async generator broken off")
async def breaking_off() -> None:
    async for _ in count_up_in_asyncio():
        break
    for _ in range(4):
        await asyncio.sleep(0)
