"""Universal queues: with threads at one end, or tasks of another kernel."""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Callable
from typing import Any

import pytest

from kernel import (Kernel, QueueClosed, QueueEmpty, QueueFull, TaskGroup, UniversalQueue, checkpoint, run,
                    run_in_thread, sleep, spawn, timeout)
from tests.support.coroutines import turns


@pytest.mark.parametrize("maxsize", [0, 1, 3])
def test_threads_put_and_tasks_get(maxsize: int) -> None:
    queue = UniversalQueue[int](maxsize)

    def produce(start: int) -> None:
        for item in range(start, start + 100):
            queue.put_from_thread(item)

    async def main() -> list[int]:
        got = list[int]()

        async def consumer() -> None:
            async for item in queue:
                got.append(item)

        async with TaskGroup() as group:
            for _ in range(3):
                await group.spawn(consumer())
            async with TaskGroup() as threads:
                for start in 0, 100, 200:
                    await threads.spawn(in_thread(produce, start))
            queue.close()
        return got

    async def in_thread(function: Callable[[int], None], argument: int) -> None:
        await run_in_thread(function, argument)

    assert sorted(run(main())) == list(range(300))


@pytest.mark.parametrize("maxsize", [0, 1, 3])
def test_tasks_put_and_ordinary_threads_get(maxsize: int) -> None:
    queue = UniversalQueue[int](maxsize)
    got: list[list[int]] = [[], [], []]

    def consume(received: list[int]) -> None:
        try:
            while True:
                received.append(queue.get_from_thread())
        except QueueClosed:
            pass

    threads = [threading.Thread(target=consume, args=(received,)) for received in got]

    async def main() -> None:
        for item in range(300):
            await queue.put(item)
        queue.close()

    for thread in threads:
        thread.start()
    run(main())
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert sorted(sum(got, [])) == list(range(300))
    assert all(received == sorted(received) for received in got)


def test_two_kernels_in_two_threads_talk_by_universal_queues() -> None:
    there, back = UniversalQueue[int](1), UniversalQueue[int](1)

    async def server() -> None:
        async for item in there:
            await back.put(item * 2)
        back.close()

    async def client() -> list[int]:
        answers = list[int]()
        for item in range(50):
            await there.put(item)
            answers.append(await back.get())
        there.close()
        return answers

    thread = threading.Thread(target=lambda: run(server()))
    thread.start()
    assert run(client()) == [2 * item for item in range(50)]
    thread.join(30)
    assert not thread.is_alive()


def test_time_limits_and_errors_in_threads() -> None:
    queue = UniversalQueue[int](1)
    with pytest.raises(TimeoutError, match="no item in UniversalQueue with 0 of 1 items within 0.01 s"):
        queue.get_from_thread(timeout=0.01)
    queue.put_from_thread(1)
    with pytest.raises(TimeoutError, match="no room"):
        queue.put_from_thread(2, timeout=0)
    with pytest.raises(QueueFull):
        queue.put_nowait(2)
    queue.close()
    assert queue.get_nowait() == 1
    for call in queue.get_nowait, queue.get_from_thread, lambda: queue.put_nowait(1), lambda: queue.put_from_thread(1):
        with pytest.raises(QueueClosed):
            call()
    with pytest.raises(QueueEmpty):
        UniversalQueue[int]().get_nowait()
    with pytest.raises(ValueError):
        UniversalQueue(-1)


def test_closing_a_universal_queue_tells_who_waits_on_both_sides() -> None:
    empty, full = UniversalQueue[int](), UniversalQueue[int](1)
    full.put_nowait(1)
    told: list[str] = []

    def in_thread(call: Callable[[], object]) -> None:
        try:
            call()
        except QueueClosed:
            told.append("thread")

    async def in_task(request: Any) -> None:
        try:
            await request
        except QueueClosed:
            told.append("task")

    async def main() -> None:
        async with TaskGroup() as group:
            await group.spawn(in_task(empty.get()))
            await group.spawn(in_task(full.put(2)))
            for thread in threads:
                thread.start()
            await sleep(0.05)
            empty.close()
            full.close()

    threads = [threading.Thread(target=in_thread, args=(call,))
               for call in (empty.get_from_thread, lambda: full.put_from_thread(3))]
    run(main())
    for thread in threads:
        thread.join(30)
    assert sorted(told) == ["task", "task", "thread", "thread"]
    assert full.get_nowait() == 1


def test_the_line_of_a_universal_queue_is_one_for_tasks_and_threads() -> None:
    queue = UniversalQueue[int](1)
    got: list[str] = []

    def in_thread() -> None:
        got.append(f"thread {queue.get_from_thread()}")

    async def in_task() -> None:
        got.append(f"task {await queue.get()}")

    async def main() -> None:
        first = await spawn(in_task())
        await turns(2)
        thread = threading.Thread(target=in_thread)
        thread.start()
        while "WaitingThread" not in [type(party).__name__ for party in queue._getters]:
            await sleep(0.001)
        second = await spawn(in_task())
        await turns(2)
        for item in range(3):
            await queue.put(item)
        await first
        await second
        thread.join(30)

    run(main())
    assert sorted(got) == ["task 0", "task 2", "thread 1"]


def test_nobody_overtakes_a_task_whose_turn_has_come() -> None:
    async def main() -> None:
        queue = UniversalQueue[int](1)
        await queue.put(1)
        putter = await spawn(put(queue, 2))
        await turns(2)
        assert queue.get_nowait() == 1
        with pytest.raises(QueueFull):
            queue.put_nowait(3)
        await putter
        assert queue.get_nowait() == 2
        getter = await spawn(get(queue))
        await turns(2)
        queue.put_nowait(4)
        with pytest.raises(QueueEmpty):
            queue.get_nowait()
        assert await getter == 4

    async def put(queue: UniversalQueue[int], item: int) -> None:
        await queue.put(item)

    async def get(queue: UniversalQueue[int]) -> int:
        return await queue.get()

    run(main())


def test_a_task_of_a_closed_kernel_does_not_hold_up_the_line() -> None:
    queue = UniversalQueue[int](1)

    async def getter() -> int:
        return await queue.get()

    kernel = Kernel()
    task = kernel.spawn(getter())
    kernel.turn()
    assert task.blocked_on is not None and kernel.calls.expected == 1
    kernel.close()
    queue.put_nowait(1)
    assert queue.get_from_thread(timeout=10) == 1


@pytest.mark.parametrize("seed", range(3))
def test_threads_and_cancelled_tasks_lose_nothing(seed: int) -> None:
    print("seed", seed)
    dice = random.Random(seed)
    queue, got = UniversalQueue[int](2), list[int]()

    def produce() -> None:
        for item in range(300):
            queue.put_from_thread(item)
        queue.close()

    async def consumer() -> None:
        while True:
            try:
                async with timeout(dice.random() * 0.001):
                    async for item in queue:
                        got.append(item)
                    return
            except TimeoutError:
                pass

    async def main() -> None:
        async with TaskGroup() as group:
            for _ in range(4):
                await group.spawn(consumer())
            await run_in_thread(produce)

    run(main())
    assert sorted(got) == list(range(300))


@pytest.mark.parametrize("make", [lambda queue: queue.put(2), lambda queue: queue.get()], ids=["put", "get"])
def test_a_request_of_a_universal_queue_is_made_once(make: Callable[[UniversalQueue[int]], Any]) -> None:
    async def main() -> None:
        queue = UniversalQueue[int]()
        queue.put_nowait(1)
        request = make(queue)
        await request
        size = queue.qsize()
        with pytest.raises(RuntimeError, match="task 1 .*main' made the request .* made before"):
            await request
        assert queue.qsize() == size

    run(main())


def test_two_tasks_cannot_wait_by_one_request_of_a_universal_queue() -> None:
    async def main() -> None:
        queue = UniversalQueue[int]()
        request = queue.get()
        first, second = [await spawn(wait(request)) for _ in range(2)]
        await checkpoint()
        with pytest.raises(RuntimeError, match="made before"):
            await second
        await queue.put(1)
        assert await first == 1

    async def wait(request: Any) -> Any:
        return await request

    run(main())


@pytest.mark.parametrize("limit, error", [("1", TypeError), (math.nan, ValueError)])
def test_a_threads_limit_is_a_number(limit: Any, error: type[Exception]) -> None:
    queue = UniversalQueue[int](1)
    with pytest.raises(error, match="get_from_thread"):
        queue.get_from_thread(limit)
    with pytest.raises(error, match="put_from_thread"):
        queue.put_from_thread(1, limit)
    assert queue.qsize() == 0


@pytest.mark.parametrize("limit", [math.inf, 1e300, None])
def test_a_threads_limit_can_be_as_good_as_none(limit: float | None) -> None:
    queue = UniversalQueue[int](1)
    threading.Timer(0.05, queue.put_nowait, [1]).start()
    assert queue.get_from_thread(limit) == 1
    queue.put_nowait(2)
    threading.Timer(0.05, queue.get_nowait).start()
    queue.put_from_thread(3, limit)
    assert queue.get_nowait() == 3


class InterruptedMutex:
    """As when Ctrl-C comes at the end of the given section that it guards."""

    def __init__(self, section: int) -> None:
        self._lock = threading.Lock()
        self._section = section

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *exc_info: object) -> None:
        self._lock.release()
        self._section -= 1
        if self._section == 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("section", [1, 2], ids=["before the wait", "after the wait"])
@pytest.mark.parametrize("getting", [True, False], ids=["get", "put"])
def test_who_is_interrupted_leaves_the_line(getting: bool, section: int) -> None:
    queue = UniversalQueue[Any](1)
    if not getting:
        queue.put_nowait("before")
    queue.mutex = InterruptedMutex(section)  # type: ignore[assignment]  # stands in for it
    with pytest.raises(KeyboardInterrupt):
        if getting:
            queue.get_from_thread(0)
        else:
            queue.put_from_thread("late", 0)
    if getting:
        queue.put_nowait("item")
        assert queue.get_nowait() == "item"
    else:
        assert queue.get_nowait() == "before" and queue.qsize() == 0
