"""Calls from a thread into the kernel that started it, and their answers."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Generator
from typing import Any

import pytest

from kernel import Event, Queue, call_in_kernel, current_task, run, run_in_thread, sleep, spawn
from tests.support.coroutines import until
from tests.support.gates import Gate, in_thread

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


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
