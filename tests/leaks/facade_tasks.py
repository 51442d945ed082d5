"""What asyncio programs do with tasks and futures, on this project's event loop and on asyncio's own.

Where the native library has an operation to be held against, the row is beside that: see `NativeRow.asyncio`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import compat
from compat.events import EventLoop

from .programs import HOUR, cancel_task_in, fail, nothing, raise_error, until_future_done
from .rows import facade


@facade("cancel before it starts")
async def cancelling_early() -> None:
    task = asyncio.create_task(nothing())
    task.cancel("enough")
    await until_future_done(task)


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
        await until_future_done(task)
    for task in done:
        task.exception()


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
