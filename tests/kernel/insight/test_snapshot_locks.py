"""At what tasks wait in a line, who holds it, and the circles that come of that."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from kernel import (Barrier, Condition, Event, Kernel, Lock, Queue, RLock, Semaphore, Syscall, Task, TaskGroup,
                    UniversalQueue, VirtualClock, run, sleep, spawn)
from kernel.insight import snapshot
from kernel.snapshots import listing

Data = dict[str, Any]
Code = Callable[[], Awaitable[Any]]


def seen(*codes: Code) -> Data:
    """The kernel, a second after each of the `codes` has become a task, called "a", "b", ..., a millisecond apart."""
    async def do(code: Code) -> None:
        await code()

    async def main() -> Data:
        async with TaskGroup() as group:
            for name, code in zip("abcdefgh", codes):
                await group.spawn(do(code), name=name)
                await sleep(0.001)
            await sleep(1)
            taken = snapshot()
            group.cancel()
        return taken

    return run(main(), clock=VirtualClock())


def only_lock(taken: Data) -> tuple[str, str, list[int] | None, list[tuple[int, str]]]:
    (lock,) = taken["kernels"][0]["locks"]
    return lock["kind"], lock["text"], lock["holders"], [(waiter["task"], waiter["call"]) for waiter in lock["waiters"]]


def holding(lock: Any, then: Code) -> Code:
    async def code() -> None:
        async with lock:
            await then()
    return code


async def asleep() -> None:
    await sleep(60)


@pytest.mark.parametrize("make", [Lock, RLock])
def test_a_lock(make: Callable[[], Lock]) -> None:
    lock = make()
    taken = seen(holding(lock, asleep), lock.acquire, lock.acquire)
    name = make.__name__
    assert only_lock(taken) == (name, f"{name} held by task 2 'a'", [2], [(3, "acquire"), (4, "acquire")])
    tasks = taken["kernels"][0]["tasks"]
    assert tasks[1]["awaited_by"] == [3, 4] and tasks[2]["awaits"] == [2] and tasks[2]["lock"] == 1


def test_the_holders_of_a_semaphore_are_inside_of_its_blocks() -> None:
    semaphore = Semaphore(2)

    @asynccontextmanager
    async def unit() -> AsyncIterator[None]:
        async with semaphore:
            yield

    async def indirectly() -> None:
        async with unit():
            await asleep()

    taken = seen(holding(semaphore, asleep), indirectly, holding(semaphore, asleep))
    assert only_lock(taken) == ("Semaphore", "Semaphore with 0 left, 1 waiting", [2, 3], [(4, "acquire")])


def test_who_has_called_acquire_of_a_semaphore_is_not_known() -> None:
    semaphore = Semaphore(1)

    async def hold() -> None:
        await semaphore.acquire()
        await asleep()

    taken = seen(hold, semaphore.acquire)
    assert only_lock(taken)[2] is None
    assert "Semaphore with 0 left, 1 waiting, held by a task that is not known\n" in listing.locks(taken)


def test_a_condition_and_its_lock() -> None:
    condition = Condition()

    async def notify() -> None:
        async with condition:
            condition.notify()
            await asleep()

    taken = seen(holding(condition, condition.wait), holding(condition, condition.wait), notify)
    locks = {lock["kind"]: lock for lock in taken["kernels"][0]["locks"]}
    assert [waiter["task"] for waiter in locks["Condition"]["waiters"]] == [3]
    assert locks["Lock"]["holders"] == [4] and [waiter["task"] for waiter in locks["Lock"]["waiters"]] == [2]


def test_an_event_and_a_barrier() -> None:
    event, barrier = Event(), Barrier(3)
    taken = seen(event.wait, event.wait)
    assert only_lock(taken) == ("Event", "Event not set", None, [(2, "wait"), (3, "wait")])
    assert "not known" not in listing.locks(taken)
    assert only_lock(seen(barrier.wait))[:2] == ("Barrier", "Barrier with 1 of 3 waiting")


def test_queues() -> None:
    queue: Queue[int] = Queue(1)
    queue.put_nowait(1)
    taken = seen(lambda: queue.put(2), lambda: queue.put(3), queue.join)
    assert only_lock(taken) == ("Queue", "Queue with 1 of 1 items", None, [(2, "put"), (3, "put"), (4, "join")])
    shared: UniversalQueue[int] = UniversalQueue()
    taken = seen(shared.get, shared.get)
    assert only_lock(taken) == ("UniversalQueue", "UniversalQueue with 0 items", None, [(2, "get"), (3, "get")])


class Enter(Syscall[None]):
    """A gate of the program's own, which never opens."""

    def __init__(self) -> None:
        self.waiters: OrderedDict[Task[Any], None] = OrderedDict()

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        self.waiters[task] = None
        return False

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        del self.waiters[task]

    def __repr__(self) -> str:
        return "<Gate shut>.enter()"


def test_a_lock_of_the_program() -> None:
    gate = Enter()

    async def enter() -> None:
        await gate

    assert only_lock(seen(enter, enter)) == ("Enter", "<Gate shut>.enter()", None, [(2, "enter"), (3, "enter")])


def test_a_circle_through_a_task_and_a_lock() -> None:
    lock = Lock()

    async def inner() -> None:
        await lock.acquire()

    async def wait_inside() -> None:
        await (await spawn(inner(), name="inner"))

    taken = seen(holding(lock, wait_inside))
    (kernel,) = taken["kernels"]
    assert kernel["circles"] == [[{"task": 2, "awaits": 3, "lock": None}, {"task": 3, "awaits": 2, "lock": 1}]]
    for text in listing.ps(taken), listing.tree(taken), listing.locks(taken), listing.everything(taken):
        picture = [line.partition(" at ")[0] for line in text.partition("in a circle:\n")[2].splitlines()[:6]]
        assert picture == ["┌─► task 2 'a'", "│     │ waits for the end of", "│     ▼",
                           "│   task 3 'inner'", "│     │ waits for a Lock, held by", "└─────┘"]
    assert "task 3 'inner', shown above" in listing.tree(taken) or listing.tree(taken).count("task 3 'inner' is") == 1


def test_a_circle_of_many_and_one_beside_it() -> None:
    locks = [Lock() for _ in range(6)]

    def both(first: Lock, second: Lock) -> Code:
        async def take() -> None:
            async with first:
                await sleep(0.5)
                await second.acquire()
        return take

    ring = [both(locks[place], locks[(place + 1) % 4]) for place in range(4)]
    pair = [both(locks[4], locks[5]), both(locks[5], locks[4])]
    circles = seen(*ring, *pair)["kernels"][0]["circles"]
    assert [[link["task"] for link in circle] for circle in circles] == [[2, 3, 4, 5], [6, 7]]


def test_chains_that_are_no_circles() -> None:
    async def wait_for(task: Task[Any]) -> None:
        await task

    async def main() -> Data:
        task = await spawn(asleep(), name="last")
        for number in range(1000):
            task = await spawn(wait_for(task), name=f"link {number}")
        await sleep(1)
        return snapshot()

    taken = run(main(), clock=VirtualClock())
    assert taken["kernels"][0]["circles"] == []
    text = listing.tree(taken)
    assert len(text) < 1_000_000 and text.count("\n") == 1003
