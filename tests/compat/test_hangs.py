"""Tasks of asyncio that wait for what is free, as snapshots and listings tell of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from compat import Task
from compat.events import EventLoop
from kernel import Lock, VirtualClock
from kernel.insight import snapshot
from kernel.snapshots import listing
from kernel.snapshots.copying import copy_kernel
from kernel.snapshots.snapshots import plain_data

Data = dict[str, Any]


class ForgetfulLock(asyncio.Lock):
    """Becomes free without waking who waits."""

    def release(self) -> None:
        self._locked = False


class ForgetfulQueue(asyncio.Queue[int]):
    def _wakeup_next(self, waiters: object) -> None:
        pass


async def use(awaitable: Awaitable[object]) -> None:
    await awaitable


def seen(request: Callable[[Any], Awaitable[object]], thing: Callable[[], Any], free: Callable[[Any], object]) -> Data:
    """A snapshot, where a task waits by `request(thing)`, and `free(thing)` was called after that."""
    async def main() -> Data:
        awaited = thing()
        task = asyncio.create_task(use(request(awaited)), name="waiter")
        await asyncio.sleep(1)
        free(awaited)
        await asyncio.sleep(1)
        taken = snapshot()
        task.cancel()
        return taken

    with asyncio.Runner(loop_factory=lambda: EventLoop(clock=VirtualClock())) as runner:
        return runner.run(main())


def held(lock: Any) -> Any:
    lock._locked = True  # by nobody who can be found
    return lock


def waiter_in(taken: Data) -> Data:
    task, = (task for task in taken["kernels"][0]["tasks"] if task["name"] == "waiter")
    return task  # type: ignore[no-any-return]  # by the schema


def test_a_lock() -> None:
    taken = seen(lambda lock: lock.acquire(), lambda: held(ForgetfulLock()), lambda lock: lock.release())
    assert waiter_in(taken)["free"] == "nobody holds it"
    text = listing.locks(taken)
    assert "\nForgetfulLock\n" in text and text.endswith(", although nobody holds it\n")


def test_a_lock_that_is_held() -> None:
    taken = seen(lambda lock: lock.acquire(), lambda: held(ForgetfulLock()), lambda lock: None)
    assert waiter_in(taken)["free"] is None
    assert "\nForgetfulLock, held by a task that is not known\n" in listing.locks(taken)


def test_a_queue() -> None:
    taken = seen(lambda queue: queue.get(), ForgetfulQueue, lambda queue: queue.put_nowait(7))
    assert waiter_in(taken)["free"] == "there is an item"
    assert " ForgetfulQueue.get(), although there is an item " in listing.ps(taken)
    assert "    waits for ForgetfulQueue.get()\n    although there is an item\n" in listing.tree(taken)


def test_a_future_that_is_done_and_has_not_woken_its_task() -> None:
    async def main() -> Data:
        loop = asyncio.get_running_loop()
        future: Any = loop.create_future()
        task: Any = asyncio.create_task(use(future), name="waiter")
        await asyncio.sleep(1)
        future.remove_done_callback(task)
        future.set_result(None)
        taken = snapshot()
        loop.call_soon(task, future)  # or nobody could end it
        await task
        return taken

    with asyncio.Runner(loop_factory=lambda: EventLoop(clock=VirtualClock())) as runner:
        task = waiter_in(runner.run(main()))
    assert (task["state"], task["waits_for"], task["free"]) == ("blocked", "<Future>", "it is done")


def test_a_lock_of_the_program_s_that_fails_when_it_is_asked() -> None:
    class Broken(ForgetfulLock):
        def locked(self) -> bool:
            raise ZeroDivisionError

    task = waiter_in(seen(lambda lock: lock.acquire(), lambda: held(Broken()), lambda lock: lock.release()))
    assert (task["state"], task["waits_for"], task["free"]) == ("blocked", "Broken.acquire()", None)


@pytest.mark.parametrize("ready", [True, False])
def test_a_guest_says_nothing_since_another_loop_knows_what_is_ready(ready: bool) -> None:
    async def main() -> Data:
        lock = Lock()
        await lock.acquire()
        task: Any = Task(use(lock.acquire()), name="waiter")
        await asyncio.sleep(0)
        if ready:
            lock.release()  # to the waiter, which has not run yet
        else:
            lock.request.owner = None
        copy = {"kernels": [plain_data(copy_kernel(task.kernel, refused=True))]}
        task.cancel()
        return copy

    loop = asyncio.SelectorEventLoop()
    try:
        taken = loop.run_until_complete(Task(main(), loop=loop))
    finally:
        loop.close()
    assert waiter_in(taken)["free"] is None
