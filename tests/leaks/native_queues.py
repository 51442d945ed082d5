"""Queues between tasks, and between tasks and threads."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from typing import Any, Union

from kernel import (LifoQueue, PriorityQueue, Queue, QueueClosed, QueueEmpty, QueueFull, UniversalQueue, checkpoint,
                    run_in_thread, spawn)

from .programs import cancel_in, cancel_task_in, make, until_done, until_future_done
from .rows import native

AnyQueue = Union[Queue[int], UniversalQueue[int]]


async def pass_items(queue: AnyQueue, put: Any) -> None:
    """Through a queue of room for one, each end waiting once; `put` is the queue's method."""
    getter = await spawn(make(queue.get))
    await checkpoint()
    await put(1)
    await getter
    await put(2)
    putter = await spawn(make(lambda: put(3)))
    await checkpoint()
    assert await queue.get() == 2
    assert await queue.get() == 3
    await putter


async def pass_asyncio_items(queue: asyncio.Queue[int]) -> None:
    getter = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    await queue.put(1)
    await getter
    await queue.put(2)
    putter = asyncio.create_task(queue.put(3))
    await asyncio.sleep(0)
    assert await queue.get() == 2
    assert await queue.get() == 3
    await putter


@native("Queue made")
async def queue_made() -> None:
    Queue[int]()


@queue_made.asyncio()
async def _() -> None:
    asyncio.Queue[int]()


@native("PriorityQueue, LifoQueue, UniversalQueue made")
async def other_queues_made() -> None:
    PriorityQueue[int]()
    LifoQueue[int]()
    UniversalQueue[int]()


@native("Queue put, get")
async def queue() -> None:
    queue = Queue[int](1)
    await pass_items(queue, queue.put)


@queue.asyncio()
async def _() -> None:
    await pass_asyncio_items(asyncio.Queue(1))


@native("PriorityQueue put, get")
async def priority_queue() -> None:
    queue = PriorityQueue[int](1)
    await pass_items(queue, queue.put)


@priority_queue.asyncio()
async def _() -> None:
    await pass_asyncio_items(asyncio.PriorityQueue(1))


@native("LifoQueue put, get")
async def lifo_queue() -> None:
    queue = LifoQueue[int](1)
    await pass_items(queue, queue.put)


@lifo_queue.asyncio()
async def _() -> None:
    await pass_asyncio_items(asyncio.LifoQueue(1))


@native("UniversalQueue put, get")
async def universal_queue() -> None:
    queue = UniversalQueue[int](1)
    await pass_items(queue, queue.put)


@native("Queue.get cancelled")
async def get_cancelled() -> None:
    await cancel_in(Queue[int]().get)


@get_cancelled.asyncio(on_compat="Queue.get cancelled")
async def _() -> None:
    await cancel_task_in(asyncio.Queue[int]().get)


@native("Queue.put cancelled")
async def put_cancelled() -> None:
    queue = Queue[int](1)
    queue.put_nowait(1)
    await cancel_in(lambda: queue.put(2))


@put_cancelled.asyncio()
async def _() -> None:
    queue = asyncio.Queue[int](1)
    queue.put_nowait(1)
    await cancel_task_in(lambda: queue.put(2))


@native("UniversalQueue.get, put cancelled")
async def universal_queue_cancelled() -> None:
    queue = UniversalQueue[int](1)
    await cancel_in(queue.get)
    queue.put_nowait(1)
    await cancel_in(lambda: queue.put(2))


@native("Queue.join")
async def join() -> None:
    queue = Queue[int]()
    queue.put_nowait(1)
    task = await spawn(make(queue.join))
    await checkpoint()
    queue.get_nowait()
    queue.task_done()
    await task


@join.asyncio()
async def _() -> None:
    queue = asyncio.Queue[int]()
    queue.put_nowait(1)
    task = asyncio.create_task(queue.join())
    await asyncio.sleep(0)
    queue.get_nowait()
    queue.task_done()
    await task


@native("Queue.join cancelled")
async def join_cancelled() -> None:
    queue = Queue[int]()
    queue.put_nowait(1)
    await cancel_in(queue.join)


@join_cancelled.asyncio()
async def _() -> None:
    queue = asyncio.Queue[int]()
    queue.put_nowait(1)
    await cancel_task_in(queue.join)


async def close_under(queue: AnyQueue, put: Any) -> None:
    """Close a queue while a task waits to get, and one like it while a task waits to put."""
    getter = await spawn(make(queue.get))
    await checkpoint()
    queue.close()
    await until_done(getter)
    assert getter.exception() is not None
    with suppress(QueueClosed):
        await put(1)
    with suppress(QueueClosed):
        await queue.get()
    with suppress(QueueClosed):
        queue.put_nowait(1)


@native("Queue closed under a getter")
async def closing_under_getter() -> None:
    queue = Queue[int]()
    await close_under(queue, queue.put)


if sys.version_info >= (3, 13):
    @closing_under_getter.asyncio()
    async def _() -> None:
        queue = asyncio.Queue[int]()
        getter = asyncio.create_task(make(queue.get))
        await asyncio.sleep(0)
        queue.shutdown()
        await until_future_done(getter)
        getter.exception()
        with suppress(asyncio.QueueShutDown):
            await queue.put(1)
        with suppress(asyncio.QueueShutDown):
            await queue.get()
        with suppress(asyncio.QueueShutDown):
            queue.put_nowait(1)


@native("UniversalQueue closed under a getter")
async def closing_universal_queue_under_getter() -> None:
    queue = UniversalQueue[int]()
    await close_under(queue, queue.put)


@native("Queue closed under a putter")
async def closing_under_putter() -> None:
    queue = Queue[int](1)
    queue.put_nowait(1)
    putter = await spawn(make(lambda: queue.put(2)))
    await checkpoint()
    queue.close()
    await until_done(putter)
    assert putter.exception() is not None


async def consume_all(queue: AnyQueue, put: Any) -> None:
    """Put an item into a queue that a task takes all items from, and close it."""
    async def consume() -> None:
        async for _ in queue:
            pass

    task = await spawn(consume())
    await put(1)
    await checkpoint()
    queue.close()
    await task


@native("async for over a Queue, closed")
async def iterating() -> None:
    queue = Queue[int]()
    await consume_all(queue, queue.put)


@native("async for over a UniversalQueue, closed")
async def iterating_universally() -> None:
    queue = UniversalQueue[int]()
    await consume_all(queue, queue.put)


@native("Queue full, empty")
async def refusing() -> None:
    queue = Queue[int](1)
    with suppress(QueueEmpty):
        queue.get_nowait()
    queue.put_nowait(1)
    with suppress(QueueFull):
        queue.put_nowait(2)


@refusing.asyncio()
async def _() -> None:
    queue = asyncio.Queue[int](1)
    with suppress(asyncio.QueueEmpty):
        queue.get_nowait()
    queue.put_nowait(1)
    with suppress(asyncio.QueueFull):
        queue.put_nowait(2)


@native("UniversalQueue between a task and a thread", times=500)
async def universal_queue_with_thread() -> None:
    there, back = UniversalQueue[int](1), UniversalQueue[int](1)

    def echo() -> None:
        back.put_from_thread(there.get_from_thread())

    task = await spawn(make(lambda: run_in_thread(echo)))
    await there.put(1)
    await back.get()
    await task


@native("UniversalQueue, a thread waits in vain", times=300)
async def universal_queue_timeout() -> None:
    with suppress(TimeoutError):
        UniversalQueue[int]().get_from_thread(1e-6)
