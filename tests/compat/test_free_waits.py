"""Tasks that wait although what they wait for is free: on an event loop."""

from __future__ import annotations

import asyncio
import linecache
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

import pytest

import kernel
from compat.events import EventLoop
from kernel.insight.free_waits import FreeWait
from tests.support.idle_looks import LookingClock

Program = Callable[[bool], Coroutine[Any, Any, object]]


class ForgetfulLock(asyncio.Lock):
    """Becomes free without waking who waits."""

    def release(self) -> None:
        self._locked = False


class ForgetfulSemaphore(asyncio.Semaphore):
    def release(self) -> None:
        self._value += 1


class ForgetfulBoundedSemaphore(asyncio.BoundedSemaphore):
    def release(self) -> None:
        self._value += 1


class ForgetfulEvent(asyncio.Event):
    def set(self) -> None:
        self._value = True


class Forgetful:
    """What makes a queue forget those who wait."""

    def _wakeup_next(self, waiters: object) -> None:
        pass


class ForgetfulQueue(Forgetful, asyncio.Queue[int]):
    pass


class ForgetfulPriorityQueue(Forgetful, asyncio.PriorityQueue[int]):
    pass


class ForgetfulLifoQueue(Forgetful, asyncio.LifoQueue[int]):
    pass


def found_in(program: Coroutine[Any, Any, object]) -> list[FreeWait]:
    """What is found while a program runs."""
    clock = LookingClock()
    loop = EventLoop(clock=clock)
    clock.kernel = loop.kernel
    try:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(program)
    finally:
        loop.close()
    assert clock.looks
    return list(clock.found.values())


async def use(awaitable: Awaitable[object]) -> None:
    await awaitable  # here


async def waiting(awaitable: Awaitable[object]) -> asyncio.Task[None]:
    """Have a task wait for `awaitable`, and let it come to that."""
    task = asyncio.create_task(use(awaitable), name="waiter")
    await asyncio.sleep(0)
    return task


async def lock(broken: bool) -> None:
    lock = ForgetfulLock() if broken else asyncio.Lock()
    async with lock:
        task = await waiting(lock.acquire())
    await asyncio.sleep(1)
    task.cancel()


async def lock_of_a_condition(broken: bool) -> None:
    condition = asyncio.Condition(ForgetfulLock() if broken else asyncio.Lock())

    async def wait() -> None:
        async with condition:
            await condition.wait()  # here

    task = asyncio.create_task(wait(), name="waiter")
    await asyncio.sleep(0)
    async with condition:
        condition.notify()
        await asyncio.sleep(1)  # the lock is held, and nothing is wrong yet
    await asyncio.sleep(1)
    task.cancel()


async def lock_in_a_generator(broken: bool) -> None:
    lock = ForgetfulLock() if broken else asyncio.Lock()

    async def items() -> AsyncIterator[int]:
        async with lock:  # here
            yield 1

    async def iterate() -> None:
        async for _ in items():
            pass

    async with lock:
        task = await waiting(iterate())
    await asyncio.sleep(1)
    task.cancel()


async def lock_by_a_native_task(broken: bool) -> None:
    lock = ForgetfulLock() if broken else asyncio.Lock()
    async with lock:
        task = await kernel.spawn(use(lock.acquire()), name="waiter")
        await asyncio.sleep(0)
    await kernel.sleep(1)
    task.cancel()


async def semaphore(broken: bool, semaphore: asyncio.Semaphore | None = None) -> None:
    semaphore = semaphore or (ForgetfulSemaphore(1) if broken else asyncio.Semaphore(1))
    async with semaphore:
        task = await waiting(semaphore.acquire())
    await asyncio.sleep(1)
    task.cancel()


async def bounded_semaphore(broken: bool) -> None:
    await semaphore(broken, ForgetfulBoundedSemaphore(1) if broken else asyncio.BoundedSemaphore(1))


async def event(broken: bool) -> None:
    event = ForgetfulEvent() if broken else asyncio.Event()
    task = await waiting(event.wait())
    event.set()
    await asyncio.sleep(1)
    task.cancel()


async def get(broken: bool, queue: asyncio.Queue[int] | None = None) -> None:
    queue = queue or (ForgetfulQueue() if broken else asyncio.Queue())
    task = await waiting(queue.get())
    queue.put_nowait(7)
    await asyncio.sleep(1)
    task.cancel()


async def get_of_priority_queue(broken: bool) -> None:
    await get(broken, ForgetfulPriorityQueue() if broken else asyncio.PriorityQueue())


async def get_of_lifo_queue(broken: bool) -> None:
    await get(broken, ForgetfulLifoQueue() if broken else asyncio.LifoQueue())


async def put(broken: bool) -> None:
    queue = ForgetfulQueue(1) if broken else asyncio.Queue[int](1)
    queue.put_nowait(1)
    task = await waiting(queue.put(2))
    queue.get_nowait()
    await asyncio.sleep(1)
    task.cancel()


async def future(broken: bool, future: asyncio.Future[int] | None = None) -> None:
    future = asyncio.get_running_loop().create_future() if future is None else future
    task: Any = await waiting(future)
    if broken:
        future.remove_done_callback(task)
    future.set_result(1)
    await asyncio.sleep(1)
    if broken:
        asyncio.get_running_loop().call_soon(task, future)  # or nobody could end it


async def future_of_another_make(broken: bool) -> None:
    await future(broken, asyncio.Future(loop=asyncio.get_running_loop()))


async def native_lock(broken: bool) -> None:
    class Lock(kernel.Lock):
        def release(self) -> None:
            self.request.owner = None

    lock = Lock() if broken else kernel.Lock()
    async with lock:
        task = await waiting(lock.acquire())
    await asyncio.sleep(1)
    task.cancel()


CASES: list[tuple[Program, str, str]] = [
    (lock, "ForgetfulLock.acquire()", "nobody holds it"),
    (lock_of_a_condition, "Condition.wait()", "nobody holds it"),
    (lock_in_a_generator, "ForgetfulLock.__aenter__()", "nobody holds it"),
    (lock_by_a_native_task, "ForgetfulLock.acquire()", "nobody holds it"),
    (semaphore, "ForgetfulSemaphore.acquire()", "it has 1 left"),
    (bounded_semaphore, "ForgetfulBoundedSemaphore.acquire()", "it has 1 left"),
    (event, "ForgetfulEvent.wait()", "it is set"),
    (get, "ForgetfulQueue.get()", "there is an item"),
    (get_of_priority_queue, "ForgetfulPriorityQueue.get()", "there is an item"),
    (get_of_lifo_queue, "ForgetfulLifoQueue.get()", "there is an item"),
    (put, "ForgetfulQueue.put(2)", "there is room"),
    (future, "<Future>", "it is done"),
    (future_of_another_make, "<Future>", "it is done"),
    (native_lock, "<Lock held by nobody>.acquire()", "nobody holds it"),
]
every_case = pytest.mark.parametrize(("program", "waits_for", "why"), CASES, ids=[case[0].__name__ for case in CASES])


@every_case
def test_a_task_that_nothing_will_wake_is_found(program: Program, waits_for: str, why: str) -> None:
    wait, = found_in(program(True))
    assert (wait.task.name, wait.waits_for, wait.why) == ("waiter", waits_for, why)
    file, _, line = wait.place.partition(" in ")[0].rpartition(":")
    assert file == __file__ and "# here" in linecache.getline(file, int(line))


@every_case
def test_nothing_is_found_where_tasks_are_woken(program: Program, waits_for: str, why: str) -> None:
    assert found_in(program(False)) == []


@pytest.mark.skipif(sys.version_info < (3, 13), reason="a queue can be shut down since Python 3.13")
def test_a_queue_that_is_shut_down_is_free() -> None:
    async def main(broken: bool) -> None:
        queue: Any = asyncio.Queue()
        task = await waiting(queue.get())
        if broken:
            queue._is_shutdown = True
        else:
            queue.put_nowait(1)
            queue.shutdown()
        await asyncio.sleep(1)
        task.cancel()

    wait, = found_in(main(True))
    assert wait.why == "it is shut down"
    assert found_in(main(False)) == []
