"""Threads with a limit, a cancel policy and a way back in; and functions in other processes."""

from __future__ import annotations

import contextvars
import gc
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pytest

from kernel import (Cancelled, Event, Queue, TaskGroup, call_in_kernel, checkpoint, current_task,
                    limit_threads, run, run_in_process, run_in_thread, sleep, spawn, timeout)
from tests.support.injection import Injection, cancel_at_every_suspension

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


class Gate:
    """A function that blocks its thread until it is let through, and counts who is inside."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.let_go = threading.Event()
        self.inside = self.most = self.calls = 0
        self._mutex = threading.Lock()

    def __call__(self, value: Any = None) -> Any:
        with self._mutex:
            self.inside += 1
            self.calls += 1
            self.most = max(self.most, self.inside)
        self.entered.release()
        assert self.let_go.wait(30)
        with self._mutex:
            self.inside -= 1
        return value


async def until(condition: Any) -> None:
    async with timeout(30):
        while not condition():
            await sleep(0.001)


async def in_thread(function: Any, *args: Any, abandon: bool = True) -> Any:
    return await run_in_thread(function, *args, abandon=abandon)


@pytest.mark.parametrize("limit", [1, 3])
def test_the_limit_holds_and_the_rest_queues_in_order(limit: int) -> None:
    gate, order = Gate(), list[int]()

    def number(n: int) -> None:
        order.append(n)
        gate()

    async def main() -> None:
        assert await limit_threads(limit) >= 5  # the default
        before = threading.active_count()
        async with TaskGroup() as group:
            for n in range(8):
                await group.spawn(in_thread(number, n))
            await until(lambda: gate.inside == limit)
            await sleep(0.02)
            assert gate.calls == limit and threading.active_count() - before <= limit
            gate.let_go.set()
        assert gate.most <= limit and sorted(order) == list(range(8))
        assert limit > 1 or order == list(range(8))

    run(main())
    with pytest.raises(ValueError):
        limit_threads(0)


def test_raising_the_limit_starts_those_that_wait() -> None:
    gate = Gate()

    async def main() -> None:
        await limit_threads(1)
        async with TaskGroup() as group:
            for _ in range(4):
                await group.spawn(in_thread(gate))
            await until(lambda: gate.inside == 1)
            assert await limit_threads(4) == 1
            await until(lambda: gate.inside == 4)
            gate.let_go.set()

    run(main())


def test_what_waits_for_a_thread_is_never_called_when_cancelled() -> None:
    gate, called = Gate(), list[str]()

    async def main() -> None:
        await limit_threads(1)
        first = await spawn(in_thread(gate))
        for abandon in True, False:
            second = await spawn(in_thread(called.append, "second", abandon=abandon))
            await until(lambda: gate.inside == 1)
            second.cancel()
            with pytest.raises(Cancelled):
                await second
        gate.let_go.set()
        await first

    run(main())
    assert called == []


def test_abandoning_ends_the_wait_at_once_and_reports_a_failure() -> None:
    gate, reports = Gate(), list[tuple[str, BaseException]]()

    def fail() -> None:
        gate()
        raise LookupError("late")

    async def main() -> None:
        task = await spawn(in_thread(fail))
        await until(lambda: gate.inside == 1)
        task.cancel()
        with pytest.raises(Cancelled):
            await task
        assert gate.inside == 1
        gate.let_go.set()

    run(main(), exception_hook=lambda message, error: reports.append((message, error)))
    assert len(reports) == 1 and "after the task that waited for it was cancelled" in reports[0][0]
    assert repr(reports[0][1]) == "LookupError('late')"


def test_waiting_gets_the_value_first_and_is_cancelled_at_the_next_suspension() -> None:
    gate, got = Gate(), list[str]()

    async def body() -> None:
        got.append(await run_in_thread(gate, "value", abandon=False))
        await sleep(30)

    async def main() -> None:
        task = await spawn(body())
        await until(lambda: gate.inside == 1)
        task.cancel()
        task.cancel()
        await sleep(0.01)
        assert not task.done()
        gate.let_go.set()
        with pytest.raises(Cancelled):
            await task
        assert got == ["value"] and task.shields == 0

    run(main())


def test_waiting_gets_the_exception_first() -> None:
    gate = Gate()

    def fail() -> None:
        gate()
        raise LookupError("first")

    async def main() -> None:
        task = await spawn(in_thread(fail, abandon=False))
        await until(lambda: gate.inside == 1)
        task.cancel()
        gate.let_go.set()
        with pytest.raises(LookupError):
            await task

    run(main())


@pytest.mark.parametrize("abandon", [True, False])
def test_cancellation_at_every_suspension_of_a_thread(abandon: bool) -> None:
    before = threading.active_count()

    async def scenario(injection: Injection) -> None:
        started, ended = list[int](), list[int]()

        def work(number: int) -> int:
            started.append(number)
            time.sleep(0.001)
            ended.append(number)
            return number

        async def body(number: int) -> None:
            await checkpoint()
            try:
                assert await run_in_thread(work, number, abandon=abandon) == number
            finally:
                assert abandon or started.count(number) == ended.count(number)

        await limit_threads(1)
        tasks = [await spawn(body(number)) for number in range(3)]
        injection.watch(*tasks)
        for task in tasks:
            try:
                await task
            except Cancelled:
                assert injection.fired
        assert await run_in_thread(work, 9) == 9  # the limit's place is free
        assert len(started) == len(ended) >= 3

    assert cancel_at_every_suspension(scenario, deterministic=False) > 6
    assert threading.active_count() == before


def test_generator_tasks_use_threads_by_yield() -> None:
    def main() -> Generator[Any, Any, int]:
        yield limit_threads(2)
        first = yield run_in_thread(int, "7")
        second = yield from run_in_thread(int, "8", abandon=False)
        assert first == 7
        return second

    assert run(main()) == 8


def test_calling_back_into_the_kernel() -> None:
    queue = Queue[int](1)

    async def add(a: int, b: int) -> int:
        await sleep(0.001)
        return a + b

    def generate(value: int) -> Generator[Any, Any, int]:
        yield sleep(0.001)
        return value

    def fail() -> None:
        raise LookupError("in the kernel")

    async def fail_later() -> None:
        await sleep(0.001)
        raise LookupError("in a task")

    def work() -> list[Any]:
        answers = [call_in_kernel(threading.get_ident), call_in_kernel(add, 1, 2), call_in_kernel(generate, 5)]
        for item in range(3):
            call_in_kernel(queue.put, item)
        for function in fail, fail_later:
            with pytest.raises(LookupError):
                call_in_kernel(function)
        variable.set("of the thread")
        answers += [call_in_kernel(variable.get), call_in_kernel(read_variable)]
        return answers

    async def read_variable() -> str:
        return variable.get()

    async def main() -> None:
        task = await spawn(in_thread(work))
        assert [await queue.get() for _ in range(3)] == [0, 1, 2]
        assert await task == [threading.get_ident(), 3, 5, "of the thread", "of the thread"]

    run(main())


def test_calling_in_from_the_wrong_place() -> None:
    with pytest.raises(RuntimeError, match="not started by run_in_thread"):
        call_in_kernel(print)

    def again() -> None:
        call_in_kernel(call_in_kernel, print)

    async def main() -> None:
        with pytest.raises(RuntimeError, match="the kernel's own thread"):
            await run_in_thread(again)

    run(main())


def test_a_thread_that_waits_for_a_task_is_told_when_that_is_cancelled() -> None:
    async def stuck() -> None:
        (await current_task()).cancel()
        await sleep(30)

    async def main() -> None:
        with pytest.raises(RuntimeError, match="cancelled .*stuck"):
            await run_in_thread(call_in_kernel, stuck)

    run(main())


def test_a_thread_that_calls_in_while_the_kernel_closes_is_turned_away() -> None:
    gate, told = Gate(), list[str]()

    def work() -> None:
        gate()
        try:
            while True:
                call_in_kernel(int)
        except RuntimeError as error:
            told.append(str(error))

    async def main() -> None:
        await spawn(in_thread(work))
        await until(lambda: gate.inside == 1)
        gate.let_go.set()

    run(main())
    assert len(told) == 1 and "clos" in told[0]


def test_a_thread_that_waits_for_an_answer_is_told_when_the_kernel_closes() -> None:
    told: list[str] = []

    def work(event: Event) -> None:
        try:
            call_in_kernel(event.wait)
        except RuntimeError as error:
            told.append(str(error))

    async def main() -> None:
        await spawn(in_thread(work, Event()))
        await sleep(0.05)

    run(main(), grace=5)
    assert len(told) == 1 and "wait" in told[0]


# processes


def square(number: int) -> int:
    return number * number


def fail(message: str) -> None:
    raise LookupError(message)


def die(code: int) -> None:
    os._exit(code)


def touch_after(seconds: float, path: str) -> None:
    time.sleep(seconds)
    Path(path).touch()


def workers() -> set[int]:
    """The processes that this one has started, but for multiprocessing's resource tracker."""
    found = set[int]()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                command = (entry / "cmdline").read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if parent == os.getpid() and b"resource_tracker" not in command:
                found.add(int(entry.name))
    return found


linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at /proc")


@linux
def test_functions_run_in_other_processes_which_end_with_the_kernel() -> None:
    async def main() -> None:
        async with TaskGroup() as group:
            for number in range(6):
                await group.spawn(in_process(square, number))
            pid = await group.spawn(in_process(os.getpid))
        assert group.results()[:6] == [0, 1, 4, 9, 16, 25]
        assert pid.result() in workers()
        with pytest.raises(LookupError, match="mine"):
            await run_in_process(fail, "mine")
        with pytest.raises((AttributeError, pickle.PicklingError), match="lambda"):
            await run_in_process(lambda: None)

    before = workers()
    run(main())
    gc.collect()
    assert workers() == before


async def in_process(function: Any, *args: Any, abandon: bool = True) -> Any:
    return await run_in_process(function, *args, abandon=abandon)


def test_a_process_that_dies_is_reported_clearly_and_replaced() -> None:
    async def main() -> None:
        with pytest.raises(BrokenProcessPool, match=r"died suddenly, and with it the call of die\(\)"):
            await run_in_process(die, 3)
        assert await run_in_process(square, 3) == 9

    run(main())


@linux
def test_a_process_that_dies_while_nobody_waits_is_replaced() -> None:
    async def main() -> None:
        pid = await run_in_process(os.getpid)
        os.kill(pid, signal.SIGKILL)
        for _ in range(3):
            try:
                assert await run_in_process(square, 3) == 9
                break
            except BrokenProcessPool:  # it was noticed only now
                pass
        else:
            raise AssertionError("not replaced")

    before = workers()
    run(main())
    assert workers() == before


def test_a_cancelled_call_is_abandoned_or_waited_for(tmp_path: Path) -> None:
    async def main() -> None:
        await run_in_process(square, 1)  # a process is there
        abandoned = await spawn(in_process(touch_after, 0.3, str(tmp_path / "abandoned")))
        awaited = await spawn(in_process(touch_after, 0.3, str(tmp_path / "awaited"), abandon=False))
        await sleep(0.1)
        abandoned.cancel()
        awaited.cancel()
        with pytest.raises(Cancelled):
            await abandoned
        assert not (tmp_path / "abandoned").exists()
        await awaited
        assert (tmp_path / "awaited").exists()

    run(main())
    assert (tmp_path / "abandoned").exists()  # waited for when the kernel closes


@linux
def test_processes_that_do_not_end_within_the_grace_are_reported_and_killed() -> None:
    reports: list[str] = []

    async def main() -> None:
        await run_in_process(square, 1)
        task = await spawn(in_process(time.sleep, 1000))
        await sleep(0.1)
        task.cancel()

    before = workers()
    run(main(), grace=0.2, exception_hook=lambda message, error: reports.append(message))
    assert reports == ["the kernel cannot close while processes are at work on: sleep"]
    assert workers() == before


def test_a_program_uses_processes(tmp_path: Path) -> None:
    """As documented: guarded by its name; and with nothing to import, a clear error."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    done = subprocess.run([sys.executable, str(program)], env=environment, capture_output=True, text=True, timeout=50)
    assert (done.returncode, done.stdout) == (0, "42\n"), done.stderr


PROGRAM = """
from kernel import run, run_in_process

def double(number):
    return 2 * number

async def main():
    print(await run_in_process(double, 21))

if __name__ == "__main__":
    run(main())
"""


def test_what_is_no_function_is_refused_at_the_call() -> None:
    for call in run_in_thread, run_in_process:
        with pytest.raises(TypeError, match="takes a function and its arguments"):
            call("no function")  # type: ignore[arg-type]
