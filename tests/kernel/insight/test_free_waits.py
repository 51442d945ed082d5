"""Tasks that wait although what they wait for is free: native ones."""

from __future__ import annotations

import linecache
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from kernel import (Barrier, Condition, Event, Kernel, LifoQueue, Lock, PriorityQueue, Queue, RLock, Semaphore,
                    TaskGroup, UniversalQueue, Waitable, checkpoint, sleep, spawn)
from kernel.insight.free_waits import FreeWait, free_waits
from tests.support.idle_looks import LookingClock

Program = Callable[[bool], Awaitable[object]]


class ForgetfulLock(Lock):
    """Becomes free without waking who waits."""

    def release(self) -> None:
        self.request.owner = None


class ForgetfulRLock(RLock):
    def release(self) -> None:
        self.request.owner = None


class ForgetfulSemaphore(Semaphore):
    def release(self) -> None:
        self.request.value += 1


class DeafWaitable(Waitable[int]):
    """Forgets who waits for it."""

    def execute(self, kernel: Kernel, task: Any) -> bool:
        return False


def found_in(program: Awaitable[object]) -> list[FreeWait]:
    """What is found while a program runs."""
    clock = LookingClock()
    with Kernel(clock=clock) as kernel:
        clock.kernel = kernel
        kernel.run(program)  # type: ignore[arg-type]  # it is a coroutine
    assert clock.looks
    return list(clock.found.values())


async def use(request: Any) -> None:
    await request  # here


async def waiting(request: Any) -> None:
    """Spawn a task that waits for `request`, and let it come to that."""
    await spawn(use(request), name="waiter")
    await checkpoint()


async def lock(broken: bool) -> None:
    lock = ForgetfulLock() if broken else Lock()
    async with lock:
        await waiting(lock.acquire())
    await sleep(1)


async def recursive_lock(broken: bool) -> None:
    lock = ForgetfulRLock() if broken else RLock()
    async with lock:
        await waiting(lock.acquire())
    await sleep(1)


async def lock_of_one_that_has_ended(broken: bool) -> None:
    lock = Lock()

    async def owner() -> None:
        await lock.acquire()
        if not broken:
            await sleep(2)
            lock.release()

    await spawn(owner(), name="owner")
    await waiting(lock.acquire())
    await sleep(3)


async def lock_of_a_condition(broken: bool) -> None:
    condition = Condition(ForgetfulLock() if broken else Lock())

    async def wait() -> None:
        async with condition:
            await condition.wait()  # here

    await spawn(wait(), name="waiter")
    await checkpoint()
    async with condition:
        condition.notify()
        if broken:
            await sleep(1)  # the lock is held, and nothing is wrong yet
    await sleep(1)


async def semaphore(broken: bool) -> None:
    semaphore = ForgetfulSemaphore(1) if broken else Semaphore(1)
    async with semaphore:
        await waiting(semaphore.acquire())
    await sleep(1)


async def event(broken: bool) -> None:
    event = Event()
    request: Any = event.wait()
    await waiting(request)
    if broken:
        request.happened = True
    else:
        event.set()
    await sleep(1)


async def barrier(broken: bool) -> None:
    barrier = Barrier(2)
    request: Any = barrier.wait()
    await waiting(request)
    request.parties = 1 if broken else 2
    await sleep(1)


async def get(broken: bool, queue: Queue[int] | None = None) -> None:
    queue = Queue() if queue is None else queue
    request: Any = queue.get()
    await waiting(request)
    if broken:
        request.contents.items.append(7)
    else:
        queue.put_nowait(7)
    await sleep(1)


async def get_of_priority_queue(broken: bool) -> None:
    await get(broken, PriorityQueue())


async def get_of_lifo_queue(broken: bool) -> None:
    await get(broken, LifoQueue())


async def put(broken: bool) -> None:
    queue: Queue[int] = Queue(1)
    contents: Any = queue.get().contents  # type: ignore[attr-defined]
    queue.put_nowait(1)
    await waiting(queue.put(2))
    if broken:
        contents.items.clear()
    else:
        queue.get_nowait()
    await sleep(1)


async def join_of_queue(broken: bool) -> None:
    queue: Queue[int] = Queue()
    contents: Any = queue.get().contents  # type: ignore[attr-defined]
    queue.put_nowait(1)
    await waiting(queue.join())
    if broken:
        contents.items.clear()
        contents.unfinished = 0
    else:
        queue.task_done()
    await sleep(1)


async def universal_queue(broken: bool) -> None:
    queue: UniversalQueue[int] = UniversalQueue()
    await waiting(queue.get())
    if broken:
        queue.closed = True
    else:
        queue.put_nowait(1)
    await sleep(1)


async def waitable(broken: bool) -> None:
    box = DeafWaitable() if broken else Waitable[int]()
    await waiting(box)
    box.complete(1)
    await sleep(1)


async def join(broken: bool) -> None:
    async def child() -> None:
        await sleep(1)
        if broken:
            group.joiner = None

    async def parent() -> None:
        async with group:  # here
            await group.spawn(child())

    group = TaskGroup()
    await spawn(parent(), name="waiter")
    await sleep(2)


CASES: list[tuple[Program, str, str]] = [
    (lock, "<ForgetfulLock held by nobody>.acquire()", "nobody holds it"),
    (recursive_lock, "<ForgetfulRLock held by nobody>.acquire()", "nobody holds it"),
    (lock_of_one_that_has_ended, "<Lock held by task 2 'owner', which has ended>.acquire()",
     "its holder has ended"),
    (lock_of_a_condition, "<ForgetfulLock held by nobody>.acquire()", "nobody holds it"),
    (semaphore, "<Semaphore with 1 left, 1 waiting>.acquire()", "it has 1 left"),
    (event, "<Event set>.wait()", "it is set"),
    (barrier, "<Barrier with 1 of 1 waiting>.wait()", "all its parties have come"),
    (get, "<Queue with 1 item>.get()", "there is an item"),
    (get_of_priority_queue, "<PriorityQueue with 1 item>.get()", "there is an item"),
    (get_of_lifo_queue, "<LifoQueue with 1 item>.get()", "there is an item"),
    (put, "<Queue with 0 of 1 items>.put(...)", "there is room"),
    (join_of_queue, "<Queue with 0 items, 0 not done>.join()", "every item is done"),
    (universal_queue, "<UniversalQueue with 0 items, closed>.get()", "it is closed"),
    (waitable, "wait(<DeafWaitable is done>)", "it is done"),
    (join, "<TaskGroup without tasks>.__aexit__()", "all its tasks have ended"),
]
every_case = pytest.mark.parametrize(("program", "waits_for", "why"), CASES, ids=[case[0].__name__ for case in CASES])


@every_case
def test_a_task_that_nothing_will_wake_is_found(program: Program, waits_for: str, why: str) -> None:
    wait, = found_in(program(True))
    assert (wait.task.name, wait.waits_for, wait.why) == ("waiter", waits_for, why)
    assert str(wait) == f"{wait.task} waits for {waits_for} at {wait.place}, although {why}"
    file, _, line = wait.place.partition(" in ")[0].rpartition(":")
    assert file == __file__ and "# here" in linecache.getline(file, int(line))


@every_case
def test_nothing_is_found_where_tasks_are_woken(program: Program, waits_for: str, why: str) -> None:
    assert found_in(program(False)) == []


def test_nothing_is_said_while_a_task_is_ready() -> None:
    async def main() -> None:
        lock = ForgetfulLock()
        async with lock:
            await waiting(lock.acquire())
        assert len(free_waits(kernel)) == 1
        await spawn(use(sleep(0)))
        assert free_waits(kernel) == []

    with Kernel() as kernel:
        kernel.run(main())


def test_nothing_is_said_while_a_call_is_to_be_made() -> None:
    found: list[FreeWait] = []

    async def main() -> None:
        queue: UniversalQueue[int] = UniversalQueue()
        await waiting(queue.get())
        queue.put_nowait(1)  # the task is woken by a call
        found.extend(free_waits(kernel))

    with Kernel() as kernel:
        kernel.run(main())
    assert found == []


def test_nothing_is_said_of_a_queue_that_a_thread_uses() -> None:
    async def main() -> None:
        queue: UniversalQueue[int] = UniversalQueue()
        await waiting(queue.get())
        with queue.mutex:
            queue.closed = True
            assert free_waits(kernel) == []
        assert len(free_waits(kernel)) == 1

    with Kernel() as kernel:
        kernel.run(main())
