"""The trampoline: what a task can be made of, what it can yield, and calls on the task's own stack."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Coroutine, Generator
from typing import Any

import pytest

from kernel import Cancelled, Kernel, Syscall, Task, VirtualClock, call, checkpoint, current_task, run, sleep, spawn

Gen = Generator[Any, Any, Any]

DEPTH = 100_000  # a hundred times the interpreter's own limit


def test_a_coroutine_returns_its_value() -> None:
    async def main() -> str:
        return "value"

    assert run(main()) == "value"


def test_a_generator_returns_its_value() -> None:
    def main() -> Gen:
        yield
        return "value"

    assert run(main()) == "value"


def test_the_exception_of_main_is_raised_by_run() -> None:
    async def coroutine() -> None:
        raise LookupError("from a coroutine")

    def generator() -> Gen:
        yield
        raise LookupError("from a generator")

    with pytest.raises(LookupError, match="from a coroutine"):
        run(coroutine())
    with pytest.raises(LookupError, match="from a generator"):
        run(generator())


def test_a_bare_yield_gives_up_the_processor_for_one_turn() -> None:
    trace: list[str] = []

    def talker(name: str) -> Gen:
        for number in range(3):
            trace.append(f"{name}{number}")
            assert (yield) is None

    def main() -> Gen:
        first = yield spawn(talker("a"))
        second = yield spawn(talker("b"))
        yield first
        yield second

    run(main())
    assert trace == ["a0", "b0", "a1", "b1", "a2", "b2"]


def test_coroutines_and_generators_wait_for_each_other() -> None:
    async def double(number: int) -> int:
        await checkpoint()
        return 2 * number

    def increase(number: int) -> Gen:
        task = yield spawn(double(number))
        return (yield task) + 1

    async def main() -> int:
        task: Task[int] = await spawn(increase(20))
        return await task

    assert run(main()) == 41


def test_yielding_a_generator_or_a_coroutine_calls_it() -> None:
    def generator(value: str) -> Gen:
        yield sleep(1)
        return value.upper()

    async def coroutine(value: str) -> str:
        await sleep(1)
        return value * 2

    def main() -> Gen:
        return (yield generator("a")), (yield coroutine("b"))

    assert run(main(), clock=VirtualClock()) == ("A", "bb")


def test_yield_from_and_await_still_call_as_python_does() -> None:
    def inner() -> Gen:
        yield sleep(1)
        return 1

    def main() -> Gen:
        return (yield from inner()) + 1

    assert run(main(), clock=VirtualClock()) == 2


def test_call_does_from_a_coroutine_what_yield_does_in_a_generator() -> None:
    def generator() -> Gen:
        yield
        return "generator"

    async def coroutine() -> str:
        await checkpoint()
        return "coroutine"

    async def main() -> tuple[str, str]:
        return await call(generator()), await call(coroutine())

    assert run(main()) == ("generator", "coroutine")


def test_a_call_stays_on_the_task_of_its_caller() -> None:
    async def callee() -> Task[Any]:
        return await current_task()

    def main() -> Gen:
        me = yield current_task()
        assert (yield callee()) is me

    run(main())


def test_a_call_that_returns_at_once_costs_no_turn() -> None:
    trace: list[str] = []

    async def other() -> None:
        trace.append("other")

    async def callee() -> None:
        trace.append("callee")

    def main() -> Gen:
        yield spawn(other())
        yield callee()
        trace.append("main")
        yield

    run(main())
    assert trace == ["callee", "main", "other"]


def test_an_exception_in_a_call_is_raised_at_the_yield_of_the_caller() -> None:
    def inner() -> Gen:
        yield
        raise KeyError("inner")

    def outer() -> Gen:
        yield inner()

    async def main() -> str:
        with pytest.raises(KeyError, match="inner"):
            await call(outer())
        return "went on"

    assert run(main()) == "went on"


def test_a_caller_may_catch_and_call_again() -> None:
    def fails() -> Gen:
        yield
        raise ValueError

    def main() -> Gen:
        failures = 0
        for _ in range(3):
            try:
                yield fails()
            except ValueError:
                failures += 1
        return failures

    assert run(main()) == 3


def test_the_traceback_shows_the_calls_and_not_the_trampoline() -> None:
    def innermost() -> Gen:
        yield
        raise ValueError

    def middle() -> Gen:
        yield innermost()

    async def outermost() -> None:
        await call(middle())

    async def main() -> list[tuple[str, str]]:
        task = await spawn(outermost())
        await checkpoint()
        await checkpoint()
        error = task.exception()
        assert error is not None
        return [(frame.name, frame.filename) for frame in traceback.extract_tb(error.__traceback__)]

    frames = run(main())
    assert [name for name, filename in frames if filename == __file__] == ["outermost", "middle", "innermost"]
    assert not [name for name, filename in frames if filename.endswith(("task.py", "core.py"))]


def recurse_by_yield(depth: int) -> Gen:
    if depth == 0:
        yield
        return 0
    return (yield recurse_by_yield(depth - 1)) + 1


async def recurse_by_call(depth: int) -> int:
    if depth == 0:
        await checkpoint()
        return 0
    return await call(recurse_by_call(depth - 1)) + 1


Recursion = Callable[[int], Coroutine[Any, Any, int] | Gen]


@pytest.mark.parametrize("recurse", [recurse_by_yield, recurse_by_call])
def test_calls_nest_far_deeper_than_the_interpreter_allows(recurse: Recursion) -> None:
    assert DEPTH > 10 * sys.getrecursionlimit()
    assert run(recurse(DEPTH)) == DEPTH


def test_an_exception_comes_up_from_a_great_depth() -> None:
    def descend(depth: int) -> Gen:
        if depth == 0:
            yield
            raise KeyError("bottom")
        yield descend(depth - 1)

    async def main() -> str:
        try:
            await call(descend(DEPTH))
        except KeyError as error:
            return str(error)
        return "nothing"

    assert run(main()) == "'bottom'"


def test_a_cancellation_at_a_great_depth_unwinds_every_call_from_the_innermost() -> None:
    unwound: list[int] = []

    def descend(depth: int) -> Gen:
        try:
            yield descend(depth - 1) if depth else sleep(1)
        finally:
            unwound.append(depth)

    async def main() -> None:
        task = await spawn(descend(DEPTH))
        await checkpoint()
        task.cancel()
        with pytest.raises(Cancelled):
            await task

    run(main(), clock=VirtualClock())
    assert unwound == list(range(DEPTH + 1))


def test_a_new_syscall_is_a_new_class() -> None:
    class Name(Syscall[str]):
        """Answered at once."""

        def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
            task.inbox = task.name
            return True

    class Mailbox(Syscall[str]):
        """Blocks until somebody puts a letter in."""

        def __init__(self) -> None:
            self.reader: Task[Any] | None = None

        def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
            self.reader = task
            return False

        def abort(self, kernel: Kernel, task: Task[Any]) -> None:
            self.reader = None

    async def read(mailbox: Mailbox) -> str:
        return await mailbox

    async def main() -> None:
        assert await Name() == "main task"
        mailbox = Mailbox()
        task = await spawn(read(mailbox))
        await checkpoint()
        assert mailbox.reader is task and task.blocked_on is mailbox
        task.wake("letter")
        assert await task == "letter"
        task = await spawn(read(mailbox))
        await checkpoint()
        task.cancel()
        assert mailbox.reader is None
        with pytest.raises(Cancelled):
            await task

    with Kernel() as kernel:
        task = kernel.spawn(main(), name="main task")
        kernel.run(wait_for(task))


async def wait_for(task: Task[Any]) -> Any:
    return await task


def test_an_exception_in_a_syscall_is_raised_where_it_was_made() -> None:
    class Broken(Syscall[None]):
        def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
            raise LookupError("in execute")

    def main() -> Gen:
        try:
            yield Broken()
        except LookupError as error:
            caught = str(error)
        yield sleep(1)  # the failed request has left nothing behind
        return caught

    assert run(main(), clock=VirtualClock()) == "in execute"
