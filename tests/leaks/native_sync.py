"""Events, locks, semaphores, conditions, barriers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from kernel import Barrier, BrokenBarrier, Condition, Deadlock, Event, Lock, RLock, Semaphore, checkpoint, spawn

from .programs import cancel_in, cancel_task_in, make, until_done, until_future_done
from .rows import native


@native("Event")
async def event() -> None:
    event = Event()
    task = await spawn(make(event.wait))
    await checkpoint()
    event.set()
    await task
    await event.wait()
    event.clear()


@event.asyncio(on_compat="Event")
async def _() -> None:
    event = asyncio.Event()
    task = asyncio.create_task(event.wait())
    await asyncio.sleep(0)
    event.set()
    await task
    await event.wait()
    event.clear()


@native("Event.wait cancelled")
async def event_cancelled() -> None:
    await cancel_in(Event().wait)


@event_cancelled.asyncio(on_compat="Event.wait cancelled")
async def _() -> None:
    await cancel_task_in(asyncio.Event().wait)


async def hand_over(lock: Lock | Semaphore) -> None:
    """Release what another task waits for."""
    async with lock:
        task = await spawn(make(lock.acquire))
        await checkpoint()
    await task


async def hand_over_in_asyncio(lock: asyncio.Lock | asyncio.Semaphore) -> None:
    async with lock:
        task = asyncio.create_task(make(lock.acquire))
        await asyncio.sleep(0)
    await task


@native("Lock")
async def lock() -> None:
    await hand_over(Lock())


@lock.asyncio(on_compat="Lock")
async def _() -> None:
    await hand_over_in_asyncio(asyncio.Lock())


@native("Lock.acquire cancelled")
async def lock_cancelled() -> None:
    lock = Lock()
    async with lock:
        await cancel_in(lock.acquire)


@lock_cancelled.asyncio(on_compat="Lock.acquire cancelled")
async def _() -> None:
    lock = asyncio.Lock()
    async with lock:
        await cancel_task_in(lock.acquire)


@native("Lock acquired twice")
async def lock_deadlock() -> None:
    lock = Lock()
    async with lock:
        with suppress(Deadlock):
            await lock.acquire()


@native("Lock released by a stranger")
async def lock_refused() -> None:
    with suppress(RuntimeError):
        Lock().release()


@lock_refused.asyncio()
async def _() -> None:
    with suppress(RuntimeError):
        asyncio.Lock().release()


@native("RLock")
async def rlock() -> None:
    lock = RLock()
    async with lock, lock:
        task = await spawn(make(lock.acquire))
        await checkpoint()
    await task


@native("RLock.acquire cancelled")
async def rlock_cancelled() -> None:
    lock = RLock()
    async with lock:
        await cancel_in(lock.acquire)


@native("Semaphore")
async def semaphore() -> None:
    await hand_over(Semaphore(1, maximum=1))


@semaphore.asyncio()
async def _() -> None:
    await hand_over_in_asyncio(asyncio.BoundedSemaphore(1))


@native("Semaphore.acquire cancelled")
async def semaphore_cancelled() -> None:
    await cancel_in(Semaphore(0).acquire)


@semaphore_cancelled.asyncio(on_compat="Semaphore.acquire cancelled")
async def _() -> None:
    await cancel_task_in(asyncio.Semaphore(0).acquire)


@native("Semaphore released too often")
async def semaphore_refused() -> None:
    with suppress(ValueError):
        Semaphore(1, maximum=1).release()


@native("Condition made")
async def condition_made() -> None:
    async with Condition():
        pass


@condition_made.asyncio()
async def _() -> None:
    async with asyncio.Condition():
        pass


async def wait_at(condition: Condition | asyncio.Condition) -> None:
    async with condition:
        await condition.wait()


async def wait_at_for(condition: Condition | asyncio.Condition, true: Callable[[], object]) -> None:
    async with condition:
        await condition.wait_for(true)


@native("Condition.wait")
async def condition() -> None:
    condition = Condition()
    task = await spawn(wait_at(condition))
    await checkpoint()
    async with condition:
        condition.notify()
    await task


@condition.asyncio(on_compat="Condition.wait")
async def _() -> None:
    condition = asyncio.Condition()
    task = asyncio.create_task(wait_at(condition))
    await asyncio.sleep(0)
    async with condition:
        condition.notify()
    await task


@native("Condition.wait cancelled")
async def condition_cancelled() -> None:
    condition = Condition()
    await cancel_in(lambda: wait_at(condition))


@condition_cancelled.asyncio(on_compat="Condition.wait cancelled")
async def _() -> None:
    condition = asyncio.Condition()
    await cancel_task_in(lambda: wait_at(condition))


@native("Condition.wait cancelled when notified")
async def condition_cancelled_late() -> None:
    condition = Condition()
    task = await spawn(wait_at(condition))
    await checkpoint()
    async with condition:
        condition.notify()
        task.cancel()
        await checkpoint()
    await until_done(task)


@condition_cancelled_late.asyncio()
async def _() -> None:
    condition = asyncio.Condition()
    task = asyncio.create_task(wait_at(condition))
    await asyncio.sleep(0)
    async with condition:
        condition.notify()
        task.cancel()
        await asyncio.sleep(0)
    await until_future_done(task)


@native("Condition.wait_for")
async def condition_wait_for() -> None:
    condition = Condition()
    ready: list[int] = []
    task = await spawn(wait_at_for(condition, ready.copy))
    await checkpoint()
    async with condition:
        ready.append(1)
        condition.notify_all()
    await task


@condition_wait_for.asyncio()
async def _() -> None:
    condition = asyncio.Condition()
    ready: list[int] = []
    task = asyncio.create_task(wait_at_for(condition, ready.copy))
    await asyncio.sleep(0)
    async with condition:
        ready.append(1)
        condition.notify_all()
    await task


@native("Condition.wait_for cancelled")
async def condition_wait_for_cancelled() -> None:
    condition = Condition()
    await cancel_in(lambda: wait_at_for(condition, lambda: False))


@native("Condition.wait without the lock")
async def condition_refused() -> None:
    with suppress(RuntimeError):
        await Condition().wait()


@condition_refused.asyncio()
async def _() -> None:
    with suppress(RuntimeError):
        await asyncio.Condition().wait()


@native("Barrier")
async def barrier() -> None:
    barrier = Barrier(2)
    task = await spawn(make(barrier.wait))
    await checkpoint()
    await barrier.wait()
    await task


@barrier.asyncio(on_compat="Barrier")
async def _() -> None:
    barrier = asyncio.Barrier(2)
    task = asyncio.create_task(make(barrier.wait))
    await asyncio.sleep(0)
    await barrier.wait()
    await task


@native("Barrier.wait cancelled")
async def barrier_cancelled() -> None:
    await cancel_in(Barrier(2).wait)


@barrier_cancelled.asyncio()
async def _() -> None:
    await cancel_task_in(asyncio.Barrier(2).wait)


@native("Barrier reset, aborted")
async def barrier_broken() -> None:
    barrier = Barrier(2)
    for break_it in barrier.reset, barrier.abort:
        task = await spawn(make(barrier.wait))
        await checkpoint()
        break_it()
        await until_done(task)
        task.exception()
    with suppress(BrokenBarrier):
        await barrier.wait()


@barrier_broken.asyncio()
async def _() -> None:
    barrier = asyncio.Barrier(2)
    for break_it in barrier.reset, barrier.abort:
        task = asyncio.create_task(make(barrier.wait))
        await asyncio.sleep(0)
        await break_it()
        await until_future_done(task)
        task.exception()
    with suppress(asyncio.BrokenBarrierError):
        await barrier.wait()
