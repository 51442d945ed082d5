"""Who waits for whom in a program for asyncio: found from its futures, and from the frames of asyncio's functions."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

import kernel
from compat.events import EventLoop
from compat.gathering import gather
from kernel import VirtualClock
from kernel.insight import snapshot, tasks

Data = dict[str, Any]
Code = Callable[[], Awaitable[Any]]


async def asleep() -> None:
    await asyncio.sleep(60)


def run(main: Callable[[], Any]) -> Any:
    loop = EventLoop(clock=VirtualClock())
    try:
        return loop.run_until_complete(loop.create_task(main(), name="main"))
    finally:
        loop.run_until_complete(end(loop))
        loop.close()


async def end(loop: EventLoop) -> None:
    left = asyncio.all_tasks(loop) - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


def seen(*codes: Code, names: str = "abcdefgh") -> Data:
    """The kernel, a second after each of the `codes` has become a task, called "a", "b", ..."""
    async def do(code: Code) -> None:
        await code()

    async def main() -> Data:
        made = []
        for name, code in zip(names, codes):
            made.append(asyncio.create_task(do(code), name=name))
            await asyncio.sleep(0.001)
        await asyncio.sleep(1)
        (taken,) = snapshot()["kernels"]
        assert isinstance(taken, dict)
        return taken

    taken = run(main)
    assert isinstance(taken, dict) and json.loads(json.dumps(taken)) == taken
    return taken


def task(taken: Data, name: str) -> Data:
    return next(one for one in taken["tasks"] if one["name"] == name)


def awaits(taken: Data, name: str) -> set[str]:
    numbers = task(taken, name)["awaits"]
    return {one["name"] for one in taken["tasks"] if one["id"] in numbers}


def test_a_task_that_is_awaited() -> None:
    async def await_one() -> None:
        await asyncio.create_task(asleep(), name="one")

    taken = seen(await_one)
    assert taken["kind"] == "asyncio" and awaits(taken, "a") == {"one"}
    assert task(taken, "one")["awaited_by"] == [task(taken, "a")["id"]] and task(taken, "a")["kind"] == "task"


@pytest.mark.parametrize("gather_by", [asyncio.gather, gather])
def test_gather(gather_by: Callable[..., Any]) -> None:
    async def gather_two() -> None:
        inner = gather_by(asyncio.create_task(asleep(), name="one"))
        await gather_by(inner, asyncio.create_task(asleep(), name="two"))

    taken = seen(gather_two)
    assert awaits(taken, "a") == {"one", "two"} and task(taken, "one")["parent"] is None


def test_wait_and_wait_for_and_shield() -> None:
    async def wait() -> None:
        await asyncio.wait([asyncio.create_task(asleep(), name=name) for name in ("one", "two")])

    async def wait_for() -> None:
        await asyncio.wait_for(asyncio.create_task(asleep(), name="three"), 30)

    async def shielded() -> None:
        await asyncio.shield(asyncio.create_task(asleep(), name="four"))

    async def both() -> None:
        await asyncio.wait_for(asyncio.shield(asyncio.create_task(asleep(), name="five")), 30)

    taken = seen(wait, wait_for, shielded, both)
    assert [awaits(taken, name) for name in "abcd"] == [{"one", "two"}, {"three"}, {"four"}, {"five"}]
    number = {one["name"]: one["id"] for one in taken["tasks"]}
    assert task(taken, "a")["waits_for"] == f"wait({{<task {number['one']} 'one'>, <task {number['two']} 'two'>}})"


@pytest.mark.skipif(sys.version_info < (3, 13), reason="before, an iterator of as_completed does not show its tasks")
def test_as_completed() -> None:
    async def complete() -> None:
        tasks: Any = asyncio.as_completed([asyncio.create_task(asleep(), name="one")])  # a plain iterator before 3.13
        async for _ in tasks:
            pass

    assert awaits(seen(complete), "a") == {"one"}


def test_a_task_group() -> None:
    async def group() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(asleep(), name="one")

    async def body() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(asleep(), name="two")
            await asleep()

    taken = seen(group, body)
    assert awaits(taken, "a") == {"one"} and awaits(taken, "b") == set()
    assert [task(taken, name)["parent"] for name in ("one", "two")] == [task(taken, name)["id"] for name in "ab"]


def test_native_groups_and_locks_on_an_event_loop() -> None:
    lock = kernel.Lock()

    async def hold() -> None:
        async with lock, kernel.TaskGroup() as group:
            await group.spawn(lock.acquire().__await__(), name="one")

    taken = seen(hold)
    one = task(taken, "one")
    assert one["parent"] == task(taken, "a")["id"] and awaits(taken, "a") == {"one"}
    assert awaits(taken, "one") == {"a"} and len(taken["circles"]) == 1


def test_how_long_and_for_which_descriptor() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)

    async def receive() -> None:
        await asyncio.get_running_loop().sock_recv(ours, 1)

    async def event() -> None:
        await asyncio.wait([asyncio.create_task(asleep(), name="one")], timeout=30)

    with ours, theirs:
        taken = seen(asleep, event, receive)
        assert task(taken, "c")["descriptor"] == ours.fileno() and task(taken, "c")["kind"] == "network"
    assert task(taken, "a")["deadline"] == pytest.approx(59, abs=0.01) and task(taken, "a")["kind"] == "time"
    assert task(taken, "b")["deadline"] == pytest.approx(29, abs=0.01)


def only_lock(taken: Data) -> tuple[str, set[str] | None, list[tuple[str, str]]]:
    (lock,) = taken["locks"]
    names = {one["id"]: one["name"] for one in taken["tasks"]}
    holders = None if lock["holders"] is None else {names[holder] for holder in lock["holders"]}
    return lock["text"], holders, [(names[waiter["task"]], waiter["call"]) for waiter in lock["waiters"]]


def holding(lock: Any, then: Code) -> Code:
    async def code() -> None:
        async with lock:
            await then()
    return code


def test_the_holder_of_a_lock_is_inside_of_its_block() -> None:
    lock = asyncio.Lock()
    # In another order than that of the names, which decide on the numbers.
    taken = seen(holding(lock, asleep), holding(lock, asleep), lock.acquire, names="hzc")
    assert only_lock(taken) == ("Lock", {"h"}, [("z", "acquire"), ("c", "acquire")])
    assert awaits(taken, "z") == {"h"} and awaits(taken, "h") == set()


def test_a_block_of_a_context_manager_that_is_a_generator() -> None:
    lock = asyncio.Lock()

    @asynccontextmanager
    async def locked() -> AsyncIterator[None]:
        async with lock:
            yield

    async def hold() -> None:
        async with locked():
            await asleep()

    assert only_lock(seen(hold, lock.acquire)) == ("Lock", {"a"}, [("b", "acquire")])


def test_the_holder_that_has_called_acquire_is_not_known() -> None:
    lock = asyncio.Lock()

    async def hold() -> None:
        await lock.acquire()
        await asleep()

    assert only_lock(seen(hold, lock.acquire)) == ("Lock", None, [("b", "acquire")])


def test_a_task_that_has_been_woken_does_not_hold_the_lock_yet() -> None:
    lock = asyncio.Lock()
    seen_locks: list[Data] = []

    async def hold() -> None:
        await holding(lock, asleep)()

    async def main() -> None:
        await lock.acquire()
        waiting: list[Any] = [asyncio.create_task(hold(), name=name) for name in "ab"]
        await asyncio.sleep(1)
        lock.release()
        taken = snapshot()["kernels"][0]
        assert [task(taken, name)["state"] for name in "ab"] == ["ready", "blocked"]
        seen_locks.extend(taken["locks"])
        del waiting

    run(main)
    assert [lock["holders"] for lock in seen_locks] == [None]


def test_semaphores_conditions_events_barriers() -> None:
    semaphore = asyncio.Semaphore(2)
    taken = seen(*[holding(semaphore, asleep)] * 3)
    assert only_lock(taken) == ("Semaphore with 0 left", {"a", "b"}, [("c", "acquire")])
    assert awaits(taken, "c") == set()  # either of the two may be the one

    condition = asyncio.Condition()
    taken = seen(holding(condition, condition.wait), holding(condition, asleep), holding(condition, asleep))
    locks = {lock["kind"]: lock for lock in taken["locks"]}
    assert [waiter["task"] for waiter in locks["Condition"]["waiters"]] == [task(taken, "a")["id"]]
    assert locks["Lock"]["holders"] == [task(taken, "b")["id"]] and len(locks["Lock"]["waiters"]) == 1

    event, barrier = asyncio.Event(), asyncio.Barrier(2)
    assert only_lock(seen(event.wait)) == ("Event not set", None, [("a", "wait")])
    assert only_lock(seen(barrier.wait)) == ("Barrier with 1 of 2 waiting", None, [("a", "wait")])


def test_queues() -> None:
    queue: asyncio.Queue[str] = asyncio.Queue(1)
    queue.put_nowait("secret")
    taken = seen(lambda: queue.put("x"), lambda: queue.put("y"), queue.join)
    assert only_lock(taken) == ("Queue with 1 of 1 items", None, [("a", "put"), ("b", "put"), ("c", "join")])
    assert "secret" not in json.dumps(taken) and task(taken, "a")["waits_for"] == "Queue.put('x')"


def test_a_circle_of_locks() -> None:
    first, second = asyncio.Lock(), asyncio.Lock()

    def both(one: asyncio.Lock, other: asyncio.Lock) -> Code:
        async def take() -> None:
            async with one:
                await asyncio.sleep(0.5)
                async with other:
                    pass
        return take

    taken = seen(both(first, second), both(second, first))
    ids = {name: task(taken, name)["id"] for name in "ab"}
    assert [[(link["task"], link["awaits"]) for link in circle] for circle in taken["circles"]] == [
        [(ids["a"], ids["b"]), (ids["b"], ids["a"])]]


def test_the_numbers_follow_the_names() -> None:
    async def main() -> list[tuple[int, str]]:
        made = [asyncio.create_task(asleep(), name=f"worker {number}") for number in (10, 9, 1)]
        made.append(asyncio.create_task(asleep()))
        found = [(one.id, one.name) for one in tasks()]
        assert found == [(one.id, one.name) for one in tasks()]
        del made
        return found

    found = run(main)
    assert [number for number, _ in found] == [1, 2, 3, 4, 5]
    assert found[0][1].startswith("Task-") and [name for _, name in found[1:]] == ["main", "worker 1", "worker 9", "worker 10"]


def test_between_two_turns_and_from_a_callback() -> None:
    taken: list[Data] = []

    def look() -> None:
        taken.extend(snapshot()["kernels"])

    async def main() -> None:
        asyncio.get_running_loop().call_soon(look)
        await asyncio.sleep(1)

    run(main)
    (seen,) = taken
    assert seen["state"] == "running" and seen["stack"][-1]["function"].endswith("look") and not seen["stack"][-1]["library"]
