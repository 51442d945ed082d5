"""Functions in executors, in a simulated run of an asyncio program."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import pytest

import compat
from kernel.sim import Unsimulated


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = threading.enumerate()
    yield
    assert threading.enumerate() == before


def work(seconds: float) -> tuple[float, float]:
    begin = time.monotonic()
    time.sleep(seconds)
    return round(begin, 6), round(time.monotonic(), 6)


def test_functions_sleep_at_the_same_time() -> None:
    async def main() -> Any:
        return await asyncio.gather(*(asyncio.to_thread(work, seconds) for seconds in (5, 1, 3)))

    assert compat.simulate(main) == [(0.001, 5.001), (0.001, 1.001), (0.001, 3.001)]


def test_a_time_limit_comes_while_a_function_sleeps() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.to_thread(work, 5), 1)
        return asyncio.get_running_loop().time()

    assert compat.simulate(main) == 1


def test_the_end_of_a_program_waits_for_its_functions() -> None:
    did = list[float]()

    def late() -> None:
        time.sleep(5)
        did.append(time.monotonic())

    async def main() -> None:
        asyncio.get_running_loop().run_in_executor(None, late)
        await asyncio.sleep(1)

    compat.simulate(main)
    assert did == [5.001]


@pytest.mark.parametrize("default", [False, True])
def test_an_executor_has_as_many_threads_as_ever(default: bool) -> None:
    def where() -> threading.Thread:
        return threading.current_thread()

    async def main() -> Any:
        loop, executor = asyncio.get_running_loop(), ThreadPoolExecutor(1)
        if default:
            loop.set_default_executor(executor)
        used = None if default else executor
        times = await asyncio.gather(*(loop.run_in_executor(used, work, seconds) for seconds in (3, 2, 1)))
        threads = [await loop.run_in_executor(used, where) for _ in range(2)]
        return times, threads[0] is threads[1]

    assert compat.simulate(main) == ([(0.001, 3.001), (3.002, 5.002), (5.003, 6.003)], True)


def test_a_function_that_was_cancelled_while_it_waited_is_not_called() -> None:
    did = list[int]()

    async def main() -> None:
        loop, executor = asyncio.get_running_loop(), ThreadPoolExecutor(1)
        first, second = (loop.run_in_executor(executor, did.append, number) for number in range(2))
        second.cancel()
        await first
        await asyncio.sleep(1)

    compat.simulate(main)
    assert did == [0]


def test_a_function_calls_back_into_its_loop() -> None:
    async def add(number: int) -> int:
        await asyncio.sleep(number)
        return number + 1

    async def main() -> Any:
        loop = asyncio.get_running_loop()

        def call() -> tuple[int, float]:
            with pytest.raises(TimeoutError):
                asyncio.run_coroutine_threadsafe(add(10), loop).result(5)
            return asyncio.run_coroutine_threadsafe(add(5), loop).result(), time.monotonic()

        return await asyncio.to_thread(call)

    value, now = compat.simulate(main)
    assert value == 6 and 10 < now < 10.01


def test_an_executor_of_processes_is_refused() -> None:
    async def main() -> None:
        with ProcessPoolExecutor(1) as executor:
            await asyncio.get_running_loop().run_in_executor(executor, work, 1)

    with pytest.raises(Unsimulated, match="it has no other processes"):
        compat.simulate(main)


def test_nothing_can_be_called_after_the_shutdown_of_the_executor() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        await loop.shutdown_default_executor()
        with pytest.raises(RuntimeError, match="shutdown"):
            await asyncio.to_thread(print)

    compat.simulate(main)


def test_a_race_between_functions_is_found() -> None:
    async def main() -> None:
        total = 0

        def add() -> None:
            nonlocal total
            before = total
            time.sleep(0.01)
            total = before + 1

        async def other() -> None:
            await asyncio.sleep(0.5)
            await asyncio.to_thread(add)

        await asyncio.gather(asyncio.to_thread(add), other())
        assert total == 2

    report = compat.explore(main, runs=200, seed=1)
    assert report.failures and "<locals>.add" in str(report)
