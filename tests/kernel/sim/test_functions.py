"""Functions in threads of a simulated run: they begin at chosen moments, and sleep in virtual time."""

from __future__ import annotations

import asyncio
import contextvars
import os
import queue
import random
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from time import sleep as really_sleep
from typing import Any

import pytest

from kernel import (Cancelled, TaskGroup, call_in_kernel, limit_threads, now, open_connection, open_file, run_in_thread,
                    sleep, spawn, timeout)
from kernel.sim import Unsimulated, functions
from kernel.sim.choices import Often, Quiet, Replay
from kernel.sim.native import NATIVE
from kernel.sim.runs import Run
from tests.support.gates import in_thread

pytestmark = pytest.mark.usefixtures("no_thread_is_left")


class Fixed(Quiet):
    """The plan that makes these choices of the kind "thread", one after the other, and no others."""

    def __init__(self, *values: int) -> None:
        self._values = list(values)
        self.options = list[tuple[int, str]]()

    def first(self) -> float:
        return 0

    def deviate(self, place: int, kind: str, options: int, subject: str) -> tuple[int, float]:
        if kind != "thread":
            return 0, place + 1
        self.options.append((options, subject))
        return self._values.pop(0) if self._values else 0, place + 1


def simulated(main: Callable[[], Coroutine[Any, Any, Any]], *values: int) -> Run:
    run = Run(Fixed(*values))
    run.make(NATIVE, main)
    return run


def value_of(main: Callable[[], Coroutine[Any, Any, Any]], *values: int) -> Any:
    run = simulated(main, *values)
    assert run.failures == []
    return run.value


def test_a_function_soon_begins_in_the_quiet_schedule() -> None:
    async def main() -> Any:
        return await run_in_thread(lambda: time.monotonic()), await now()

    assert value_of(main) == (0.001, 0.001)


@pytest.mark.parametrize("value, expected", [(0, 0.001), (1, 1.0), (2, 2.0)])
def test_a_function_begins_at_a_chosen_deadline(value: int, expected: float) -> None:
    async def main() -> Any:
        async with TaskGroup() as group:
            for seconds in 1.0, 1.0, 2.0, 3.0:
                await group.spawn(sleep_for(seconds))
            await sleep(0)
            return await run_in_thread(time.monotonic)

    run = simulated(main, value)
    assert run.value == expected and run.failures == []
    assert isinstance(run.plan, Fixed) and run.plan.options == [(3, "monotonic")]


async def sleep_for(seconds: float) -> None:
    await sleep(seconds)


def test_a_deadline_far_off_is_no_option() -> None:
    async def main() -> None:
        await spawn(sleep_for(3600), daemon=True)
        await sleep(0)
        await run_in_thread(time.monotonic)

    run = simulated(main)
    assert isinstance(run.plan, Fixed) and run.plan.options == []


def test_a_sleep_in_a_thread_holds_up_nobody() -> None:
    def work(seconds: float) -> tuple[float, float]:
        begin = time.monotonic()
        time.sleep(seconds / 2)
        time.sleep(seconds / 2)
        return begin, round(time.monotonic(), 6)

    async def main() -> Any:
        ended = list[Any]()

        async def one(seconds: float) -> None:
            ended.append(await run_in_thread(work, seconds))

        async with TaskGroup() as group:
            for seconds in 5.0, 1.0, 3.0:
                await group.spawn(one(seconds))
            await sleep(2)
            ended.append(await now())
        return ended

    assert value_of(main) == [(0.001, 1.001), 2.0, (0.001, 3.001), (0.001, 5.001)]


def test_a_time_limit_ends_the_wait_and_the_function_goes_on() -> None:
    did = list[float]()

    def work() -> None:
        time.sleep(5)
        did.append(time.monotonic())

    async def main() -> Any:
        with pytest.raises(TimeoutError):
            async with timeout(1):
                await run_in_thread(work)
        assert did == []
        return await now()

    assert value_of(main) == 1.0
    assert did == [5.001]  # at the close


def test_a_function_that_ends_at_the_time_limit_loses_or_wins() -> None:
    async def main(seconds: float) -> str:
        try:
            async with timeout(1):
                return await run_in_thread(str.upper, "in time")
        except TimeoutError:
            return "late"

    assert value_of(lambda: main(1), 0) == "IN TIME"
    assert value_of(lambda: main(1), 1) == "late"


def test_a_function_is_in_another_thread_and_in_the_context_of_its_task() -> None:
    variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable")

    def look() -> tuple[int, bool]:
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        return variable.get(), threading.current_thread() is not threading.main_thread()

    async def main() -> Any:
        variable.set(5)
        return await run_in_thread(look)

    assert value_of(main) == (5, True)


def test_errors_come_back() -> None:
    async def main() -> None:
        with pytest.raises(ZeroDivisionError):
            await run_in_thread(lambda: 1 / 0)
        with pytest.raises(SystemExit):
            await run_in_thread(exit_now)

    def exit_now() -> None:
        raise SystemExit

    value_of(main)


def test_random_numbers_in_a_thread_come_from_the_seed() -> None:
    async def main() -> Any:
        return await run_in_thread(random.random)

    assert value_of(main) == value_of(main)


@pytest.mark.parametrize("seed", range(8))
def test_a_tape_repeats_a_run_with_functions(seed: int) -> None:
    did = list[Any]()

    async def main() -> None:
        things = queue.Queue[int]()

        def work(number: int) -> None:
            time.sleep(number / 10)
            things.put(number)
            call_in_kernel(sleep, 0.1)
            did.append((number, things.get(), random.random(), time.monotonic()))

        async with TaskGroup() as group:
            for number in range(4):
                await group.spawn(in_thread(work, number))
                await sleep(0.05)

    run = Run(Often(random.Random(seed), 0.3))
    run.make(NATIVE, main)
    first = did.copy()
    did.clear()
    Run(Replay(run.tape())).make(NATIVE, main)
    assert did == first and len(did) == 4


def test_the_limit_is_the_same_on_every_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = list[float]()

    async def one() -> None:
        await run_in_thread(time.sleep, 1)
        ended.append(await now())

    async def main() -> Any:
        async with TaskGroup() as group:
            for _ in range(9):
                await group.spawn(one())
        return await limit_threads(1)

    assert value_of(main) == functions.LIMIT == 8
    assert ended == [1.001] * 8 + [2.002]


def test_a_task_may_be_cancelled_before_its_function_begins() -> None:
    did = list[str]()

    async def main() -> None:
        task = await spawn(in_thread(did.append, "done"))
        await sleep(0)
        task.cancel()
        with pytest.raises(Cancelled):
            await task

    value_of(main)
    assert did == ["done"]  # as a function that has started


def test_files_work_as_ever(tmp_path: Any) -> None:
    async def main() -> Any:
        async with await open_file(tmp_path / "a", "w+") as file:
            await file.write("text")
            await file.seek(0)
            return await file.read()

    assert value_of(main) == "text"


def test_a_name_is_looked_up_in_the_simulated_world() -> None:
    async def main() -> None:
        with pytest.raises(ConnectionRefusedError):
            await open_connection("localhost", 1)
        with pytest.raises(socket.gaierror, match=r"no host of the simulated world is called 'db'.*world.host\(name\)"):
            await open_connection("db", 1)

    assert simulated(main).failures == []


def test_a_refusal_in_a_function_names_the_line_of_the_function() -> None:
    def start() -> None:
        subprocess.Popen(["true"])

    async def main() -> None:
        await run_in_thread(start)

    error = simulated(main).failures[0].error
    line = start.__code__.co_firstlineno + 1
    assert f"refuses subprocess.Popen() at {__file__}:{line} in {start.__qualname__}: " in str(error)


def test_a_function_has_its_kernel_call_something() -> None:
    async def add(number: int) -> tuple[int, float]:
        await sleep(number)
        return number + 1, await now()

    async def main() -> Any:
        return await run_in_thread(call_in_kernel, add, 5), await run_in_thread(call_in_kernel, sleep, 1)

    assert value_of(main) == ((6, 5.001), None)


def test_a_function_waits_for_what_a_task_does() -> None:
    event, things = threading.Event(), queue.Queue[str]()

    def wait() -> list[Any]:
        return [event.wait(), time.monotonic(), things.get(), time.monotonic()]

    async def main() -> Any:
        async with TaskGroup() as group:
            task = await group.spawn(in_thread(wait))
            await sleep(1)
            event.set()
            await sleep(1)
            things.put("thing")
            return await task

    assert value_of(main) == [True, 1.001, "thing", 2.001]


def test_a_wait_has_its_time_limit_in_virtual_time() -> None:
    def wait() -> list[Any]:
        found: list[Any] = [threading.Event().wait(3600), time.monotonic(), threading.Condition().acquire(timeout=1)]
        condition = threading.Condition()
        with condition:
            found += [condition.wait_for(lambda: time.monotonic() > 5000, 3600), time.monotonic()]
        with pytest.raises(queue.Empty):
            queue.Queue[None]().get(timeout=3600)
        with pytest.raises(TimeoutError):
            Future[None]().result(3600)
        return [*found, threading.Semaphore(0).acquire(timeout=1), threading.Event().wait(0), time.monotonic()]

    async def main() -> Any:
        return await run_in_thread(wait)

    values = [round(value, 6) for value in value_of(main)]
    assert values == [False, 3600.001, True, True, 7200.001, False, False, 14401.001]


def test_functions_wait_for_each_other() -> None:
    async def main() -> Any:
        barrier = threading.Barrier(2)
        async with TaskGroup() as group:
            tasks = [await group.spawn(in_thread(barrier.wait)) for _ in range(2)]
            return sorted([await task for task in tasks])

    assert value_of(main) == [0, 1]


def test_a_function_that_nobody_wakes_is_part_of_a_deadlock() -> None:
    async def main() -> None:
        await run_in_thread(threading.Event().wait)

    deadlock, late = simulated(main).failures
    assert deadlock.kind == "deadlock" and "run_in_thread(Event.wait)" in deadlock.message
    assert "the kernel cannot close while threads are at work on: Event.wait" in late.message


def test_a_function_that_waits_for_a_lock_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions, "PATIENCE", 0.05)
    lock, threads = threading.Lock(), list[threading.Thread]()

    def wait() -> None:
        threads.append(threading.current_thread())
        with lock:
            pass

    async def main() -> None:
        with lock:
            await run_in_thread(wait)

    run = simulated(main)
    threads[0].join()
    error = run.failures[0].error
    assert isinstance(error, Unsimulated) and "wait(), which has been running in a thread for 0.05 s" in str(error)


def test_ctrl_c_does_not_wait_for_a_function() -> None:
    threads = list[threading.Thread]()
    let_go = threading.Lock()

    def interrupt() -> None:
        threads.append(threading.current_thread())
        for _ in range(2):  # the first cancels the main task
            os.kill(os.getpid(), signal.SIGINT)
            really_sleep(0.1)
        with let_go:
            pass

    async def main() -> None:
        await run_in_thread(interrupt)

    with let_go, pytest.raises(KeyboardInterrupt):
        simulated(main)
    threads[0].join()


def test_a_function_that_does_not_end_is_reported_and_ended() -> None:
    did = list[str]()

    def work() -> None:
        try:
            while True:
                time.sleep(1)
        finally:
            did.append("ended")

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with timeout(1):
                await run_in_thread(work)

    failure, = simulated(main).failures
    assert "the kernel cannot close while threads are at work on: " in failure.message and did == ["ended"]
