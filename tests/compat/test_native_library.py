"""The native library in tasks of the event loop: another kind of task, with another exception for cancellation."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

import compat
from kernel import (Condition, Event, Lock, Queue, QueueClosed, TaskGroup, UniversalQueue, call_in_kernel,
                    catch_signals, open_file, run_in_thread, shielded, sleep, timeout)


async def after(seconds: float, value: Any = None) -> Any:
    await sleep(seconds)
    if isinstance(value, BaseException):
        raise value
    return value


def test_a_group_has_its_results_and_completions() -> None:
    async def main() -> None:
        async with TaskGroup() as group:
            for seconds in 0.02, 0.01:
                await group.spawn(after(seconds, seconds))
            daemon = await group.spawn(after(60), daemon=True)
            assert [task.result() async for task in group.as_completed()] == [0.01, 0.02]
        assert group.results() == [0.02, 0.01] and daemon.cancelled()

    compat.run(main())


def test_a_group_fails_and_is_cancelled_as_anywhere() -> None:
    async def main() -> None:
        with pytest.raises(ExceptionGroup) as caught:
            async with TaskGroup() as group:
                sibling = await group.spawn(after(60))
                await group.spawn(after(0.01, ValueError("v")))
                await asyncio.sleep(60)
        assert sibling.cancelled() and repr(caught.value.exceptions) == "(ValueError('v'),)"
        async with TaskGroup() as group:
            await group.spawn(after(60))
            group.cancel()
        children = list[Any]()
        task = asyncio.ensure_future(waiting(children))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert children[0].cancelled()
        current = asyncio.current_task()
        assert current is not None and current.cancelling() == 0

    async def waiting(children: list[Any]) -> None:
        async with TaskGroup() as group:
            children.append(await group.spawn(after(60)))

    compat.run(main())


def test_timeouts_nest_with_those_of_asyncio() -> None:
    async def main() -> list[str]:
        seen = list[str]()
        for outer, inner in (timeout(0.01), asyncio.timeout(60)), (asyncio.timeout(0.01), timeout(60)):
            try:
                async with outer:
                    try:
                        async with inner:
                            await asyncio.sleep(60)
                    except TimeoutError:
                        seen.append("inner")
            except TimeoutError:
                seen.append("outer")
        async with shielded():
            try:
                async with timeout(0.01):
                    await asyncio.sleep(60)
            except TimeoutError:
                seen.append("in a shielded section")
        return seen

    assert compat.run(main()) == ["outer", "outer", "in a shielded section"]


def test_a_shielded_section_is_cancelled_at_its_end() -> None:
    async def body(log: list[str]) -> None:
        async with shielded():
            await asyncio.sleep(0.02)
            log.append("whole")
        log.append("never")

    async def main() -> list[str]:
        log = list[str]()
        task = asyncio.ensure_future(body(log))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return log

    assert compat.run(main()) == ["whole"]


def test_locks_conditions_and_queues_between_its_tasks() -> None:
    async def main() -> None:
        lock, condition, queue, event = Lock(), Condition(), Queue[int](1), Event()
        order = list[int]()

        async def user(number: int) -> None:
            async with lock:
                await asyncio.sleep(0)
                order.append(number)

        await asyncio.gather(*[user(number) for number in range(5)])
        assert order == [0, 1, 2, 3, 4]

        async def waiter() -> None:
            async with condition:
                event.set()
                await condition.wait()

        task = asyncio.ensure_future(waiter())
        await event.wait()
        async with condition:
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not condition.locked()

        async def producer() -> None:
            for item in range(3):
                await queue.put(item)
            queue.close()

        producing = asyncio.ensure_future(producer())
        assert [item async for item in queue] == [0, 1, 2]
        await producing
        with pytest.raises(QueueClosed):
            await queue.get()

    compat.run(main())


def test_threads_signals_and_files(tmp_path: Path) -> None:
    async def main() -> None:
        queue = UniversalQueue[int](1)

        async def add(a: int, b: int) -> int:
            await asyncio.sleep(0.001)
            return a + b

        def work() -> int:
            for item in range(3):
                queue.put_from_thread(item)
            return int(call_in_kernel(add, 1, 2))

        task = asyncio.ensure_future(in_thread(work))
        assert [await queue.get() for _ in range(3)] == [0, 1, 2]
        assert await task == 3
        async with catch_signals(signal.SIGUSR1) as signals:
            os.kill(os.getpid(), signal.SIGUSR1)
            assert await signals.get() == signal.SIGUSR1
        async with open_file(tmp_path / "file", "w+") as file:
            await file.write("text")
            await file.seek(0)
            assert await file.read() == "text"

    async def in_thread(function: Any) -> Any:
        return await run_in_thread(function)

    compat.run(main())
