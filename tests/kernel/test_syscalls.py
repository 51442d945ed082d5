"""The syscalls, made from coroutines and from generators, and the errors that bad input gets."""

from __future__ import annotations

import decimal
import gc
import math
import warnings
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterator
from typing import Any

import pytest

from kernel import (Cancelled, Kernel, Task, VirtualClock, Waitable, call, cancel, checkpoint, current_task, now, run,
                    run_in_thread, sleep, sleep_until, spawn, wait, wait_readable)

Gen = Generator[Any, Any, Any]
Code = Coroutine[Any, Any, Any] | Gen
Ask = Callable[[Callable[[], Any]], Code]


async def by_await(request: Callable[[], Any]) -> Any:
    return await request()


def by_yield(request: Callable[[], Any]) -> Gen:
    return (yield request())


def by_yield_from(request: Callable[[], Any]) -> Gen:
    return (yield from request())


each_style = pytest.mark.parametrize("ask", [by_await, by_yield, by_yield_from])


@each_style
def test_sleep_takes_its_seconds_and_answers_none(ask: Ask) -> None:
    clock = VirtualClock(100.0)
    assert run(ask(lambda: sleep(1.5)), clock=clock) is None
    assert clock.now() == 101.5


@each_style
def test_sleep_until_ends_at_its_deadline(ask: Ask) -> None:
    clock = VirtualClock(100.0)
    assert run(ask(lambda: sleep_until(250)), clock=clock) is None
    assert clock.now() == 250.0


def order_against_three_others(ask: Ask, request: Callable[[], Any]) -> list[str]:
    """Who ran when, where one of four tasks makes `request` between its two steps, and the others a bare yield."""
    trace: list[str] = []

    def other(name: str) -> Gen:
        trace.append(name)
        yield
        trace.append(name)

    def asker() -> Gen:
        trace.append("asker")
        yield ask(request)
        trace.append("asker")

    def main() -> Gen:
        tasks = []
        for code in other("a"), asker(), other("b"), other("c"):
            tasks.append((yield spawn(code)))
        for task in tasks:
            yield task

    clock = VirtualClock(1000.0)
    run(main(), clock=clock)
    assert clock.now() == 1000.0
    return trace


@each_style
@pytest.mark.parametrize("request_", [checkpoint, lambda: sleep(0), lambda: sleep(-1), lambda: sleep(-math.inf)],
                         ids=["checkpoint", "zero", "negative", "minus infinity"])
def test_a_checkpoint_lets_every_other_ready_task_run_once(ask: Ask, request_: Callable[[], Any]) -> None:
    assert order_against_three_others(ask, request_) == ["a", "asker", "b", "c"] * 2


@each_style
@pytest.mark.parametrize("deadline", [1000.0, 999, -math.inf])
def test_sleeping_until_the_past_lets_others_run_and_takes_no_time(ask: Ask, deadline: float) -> None:
    trace = order_against_three_others(ask, lambda: sleep_until(deadline))
    assert trace[:4] == ["a", "asker", "b", "c"] and sorted(trace[4:]) == ["a", "asker", "b", "c"]


@each_style
def test_spawn_answers_with_the_task_and_the_spawner_goes_on(ask: Ask) -> None:
    trace: list[str] = []

    async def child() -> str:
        trace.append("child")
        return "value"

    def main() -> Gen:
        task = yield ask(lambda: spawn(child(), name="kid", daemon=False))
        trace.append("main")
        assert isinstance(task, Task) and task.name == "kid" and not task.daemon and task.state == "ready"
        return (yield task)

    assert run(main()) == "value"
    assert trace == ["main", "child"]


@each_style
def test_wait_answers_with_the_value_or_raises_the_exception(ask: Ask) -> None:
    async def value() -> str:
        await sleep(1)
        return "value"

    async def failure() -> None:
        await sleep(1)
        raise LookupError("failure")

    async def main() -> None:
        for early in True, False:
            task: Task[Any] = await spawn(value())
            failing: Task[Any] = await spawn(failure())
            if early:
                await sleep(2)
            assert await call(ask(lambda: wait(task))) == "value"
            assert await call(ask(lambda: task)) == "value"  # and again, now that it is done
            for _ in range(2):
                with pytest.raises(LookupError, match="failure"):
                    await call(ask(lambda: wait(failing)))

    run(main(), clock=VirtualClock())


@each_style
def test_waiting_for_a_cancelled_task_raises_cancelled(ask: Ask) -> None:
    async def main() -> None:
        task = await spawn(sleeper())
        waiter = await spawn(ask(lambda: wait(task)))
        await checkpoint()
        task.cancel()
        with pytest.raises(Cancelled):
            await waiter
        late = await spawn(ask(lambda: wait(task)))
        with pytest.raises(Cancelled):
            await late

    run(main(), clock=VirtualClock())


async def sleeper() -> None:
    await sleep(1000)


@each_style
def test_cancel_answers_whether_there_was_anything_to_cancel(ask: Ask) -> None:
    def main() -> Gen:
        task = yield spawn(sleeper())
        yield
        assert (yield ask(lambda: cancel(task, "enough"))) is True
        assert not task.done()  # it has not run yet
        with pytest.raises(Cancelled, match="enough"):
            yield from task
        assert (yield ask(lambda: cancel(task))) is False

    run(main(), clock=VirtualClock())


@each_style
def test_current_task_is_the_one_that_asks(ask: Ask) -> None:
    async def main() -> None:
        for _ in range(2):
            task: Task[Any] = await spawn(ask(current_task))
            assert await task is task

    run(main())


@each_style
def test_now_is_what_the_clock_shows(ask: Ask) -> None:
    assert run(ask(now), clock=VirtualClock(12.5)) == 12.5


@each_style
def test_a_waitable_is_a_mailbox_between_tasks(ask: Ask) -> None:
    async def main() -> None:
        full: Waitable[str] = Waitable()
        broken: Waitable[str] = Waitable()
        reader: Task[Any] = await spawn(ask(lambda: full))
        unlucky: Task[Any] = await spawn(ask(lambda: broken))
        await checkpoint()
        assert reader.state == unlucky.state == "blocked" and not full.done()
        full.complete("mail")
        broken.fail(LookupError("lost"))
        assert await reader == "mail" == full.result()
        with pytest.raises(LookupError, match="lost"):
            await unlucky

    run(main())


def test_all_who_wait_for_a_waitable_are_woken_in_the_order_they_came() -> None:
    woken: list[int] = []

    async def waiter(number: int, mailbox: Waitable[None]) -> None:
        await mailbox
        woken.append(number)

    async def main() -> None:
        mailbox: Waitable[None] = Waitable()
        tasks = [await spawn(waiter(number, mailbox)) for number in range(100)]
        await checkpoint()
        for task in tasks[1::3]:
            task.cancel()
        mailbox.complete(None)
        await sleep(1)

    run(main(), clock=VirtualClock())
    assert woken == [number for number in range(100) if number % 3 != 1]


def test_a_waitable_completes_once() -> None:
    mailbox: Waitable[int] = Waitable()
    with pytest.raises(RuntimeError, match="no result yet"):
        mailbox.result()
    with pytest.raises(RuntimeError, match="no result yet"):
        mailbox.exception()
    mailbox.complete(1)
    with pytest.raises(RuntimeError, match="done already"):
        mailbox.complete(2)
    with pytest.raises(RuntimeError, match="done already"):
        mailbox.fail(ValueError())
    assert mailbox.result() == 1 and mailbox.exception() is None
    with pytest.raises(TypeError, match="exception instance"):
        Waitable[int]().fail(ValueError)  # type: ignore[arg-type]  # the mistake in question


def test_one_failure_seen_by_many_does_not_pile_up_their_frames() -> None:
    async def waiter(mailbox: Waitable[None]) -> None:
        with pytest.raises(ValueError):
            await mailbox

    async def main() -> int:
        mailbox: Waitable[None] = Waitable()
        tasks = [await spawn(waiter(mailbox)) for _ in range(100)]
        await checkpoint()
        error = ValueError()
        mailbox.fail(error)
        for task in tasks:
            await task
        depth, entry = 0, error.__traceback__
        while entry is not None:
            depth, entry = depth + 1, entry.tb_next
        return depth

    assert run(main()) < 10


def test_sleep_infinity_lasts_until_it_is_cancelled() -> None:
    async def eternal(seconds: float) -> None:
        await sleep(seconds)

    async def main() -> None:
        tasks = [await spawn(eternal(seconds)) for seconds in (math.inf, 10**400)]
        await sleep(1e15)
        for task in tasks:
            assert task.state == "blocked"
            task.cancel()
            with pytest.raises(Cancelled):
                await task

    run(main(), clock=VirtualClock())


each_sleep = pytest.mark.parametrize("function", [sleep, sleep_until])


@each_sleep
@pytest.mark.parametrize("delay", [math.nan, -math.nan, decimal.Decimal("nan")])
def test_a_delay_that_is_nan_is_a_value_error_at_the_call(function: Callable[[Any], Any], delay: Any) -> None:
    with pytest.raises(ValueError, match=rf"{function.__name__}\(\) takes a number of seconds, not NaN"):
        function(delay)


@each_sleep
@pytest.mark.parametrize("delay", ["1", b"1", None, 1j, [], object(), sleep])
def test_a_delay_that_is_no_number_is_a_type_error_at_the_call(function: Callable[[Any], Any], delay: Any) -> None:
    with pytest.raises(TypeError, match=rf"{function.__name__}\(\) takes a number of seconds, not"):
        function(delay)


def test_any_real_number_is_a_delay() -> None:
    clock = VirtualClock()

    async def main() -> None:
        await sleep(decimal.Decimal("0.5"))  # type: ignore[arg-type]  # works, and is nothing to advertise
        await sleep(2)
        await sleep(True)

    run(main(), clock=clock)
    assert clock.now() == 3.5


def numbers() -> Gen:
    yield 1
    yield 2


def closed_generator() -> Gen:
    generator = numbers()
    generator.close()
    return generator


def exhausted_generator() -> Gen:
    generator = numbers()
    assert list(generator) == [1, 2]
    return generator


def started_generator() -> Gen:
    generator = numbers()
    next(generator)
    return generator


async def values() -> AsyncGenerator[int, None]:
    yield 1


nonsense = pytest.mark.parametrize("make", [
    lambda: 42, lambda: "text", lambda: int, lambda: b"", lambda: (), lambda: object(), lambda: sleep, lambda: sleeper,
    lambda: Task, closed_generator, exhausted_generator, started_generator, values,
], ids=["int", "str", "class", "bytes", "tuple", "object", "function", "coroutine function", "task class",
        "closed generator", "exhausted generator", "started generator", "async generator"])


class Yields:
    """An awaitable that yields one object to the kernel."""

    def __init__(self, thing: object) -> None:
        self._thing = thing

    def __await__(self) -> Generator[Any, Any, Any]:
        return (yield self._thing)


@nonsense
@pytest.mark.parametrize("style", ["generator", "coroutine"])
def test_yielding_nonsense_is_a_type_error_at_that_yield_and_hurts_nobody_else(make: Callable[[], Any],
                                                                               style: str) -> None:
    thing = make()
    ticks: list[float] = []
    errors: list[str] = []

    def generator() -> Gen:
        try:
            yield thing
        except TypeError as error:
            errors.append(str(error))
        yield sleep(1)
        return "survived"

    async def coroutine() -> str:
        try:
            await Yields(thing)
        except TypeError as error:
            errors.append(str(error))
        await sleep(1)
        return "survived"

    async def bystander() -> None:
        for _ in range(3):
            await sleep(1)
            ticks.append(await now())

    async def main() -> None:
        other = await spawn(bystander())
        code: Code = generator() if style == "generator" else coroutine()
        task: Task[str] = await spawn(code, name="the culprit")
        assert await task == "survived"
        await other
        assert str(task) in errors[0]

    run(main(), clock=VirtualClock())
    assert ticks == [1.0, 2.0, 3.0]
    assert len(errors) == 1 and "'the culprit'" in errors[0] and repr(thing) in errors[0]


def test_nonsense_that_nobody_catches_fails_that_task_alone() -> None:
    def culprit() -> Gen:
        yield 42

    async def main() -> str:
        task: Task[Any] = await spawn(culprit())
        with pytest.raises(TypeError, match="yielded 42"):
            await task
        return "main goes on"

    assert run(main()) == "main goes on"


@nonsense
def test_spawn_and_call_say_what_cannot_be_run(make: Callable[[], Any]) -> None:
    for function in spawn, call:
        with pytest.raises((TypeError, ValueError), match=rf"{function.__name__}\(\)"):
            function(make())


def test_a_function_instead_of_its_coroutine_is_told_how_to_call_it() -> None:
    for function in spawn, call:
        with pytest.raises(TypeError, match=rf"call it: {function.__name__}\(sleeper\(...\)\)"):
            function(sleeper)  # type: ignore[arg-type]  # the mistake in question


def test_a_finished_coroutine_is_an_error_to_whoever_runs_it() -> None:
    async def finished() -> None:
        await checkpoint()

    async def main() -> None:
        code = finished()
        await code
        with pytest.raises((ValueError, RuntimeError)):
            await (await spawn(code))
        with pytest.raises((ValueError, RuntimeError)):
            await call(code)

    run(main())


@pytest.mark.parametrize("function, message", [
    (wait, r"wait\(\) takes a task or another Waitable"), (cancel, r"cancel\(\) takes a task"),
    (run_in_thread, r"run_in_thread\(\) takes a function"), (wait_readable, r"wait_readable\(\) takes a file")])
@pytest.mark.parametrize("thing", ["text", None, 1.5, object()])
def test_other_nonsense_is_a_type_error_at_the_call(function: Callable[[Any], Any], message: str, thing: Any) -> None:
    with pytest.raises(TypeError, match=message):
        function(thing)


@pytest.fixture
def no_warnings() -> Iterator[None]:
    """Fail the test if anything is warned of, "was never awaited" above all."""
    gc.collect()  # what other tests have left
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
        gc.collect()
    assert [str(warning.message) for warning in caught] == []


@pytest.mark.usefixtures("no_warnings")
def test_run_given_a_function_says_to_call_it() -> None:
    with pytest.raises(TypeError, match=r"run\(\) was given sleeper itself; call it: run\(sleeper\(...\)\)"):
        run(sleeper)  # type: ignore[arg-type]  # the mistake in question


@pytest.mark.usefixtures("no_warnings")
@pytest.mark.parametrize("thing", [42, "text", None])
def test_run_given_nonsense_says_what_it_takes(thing: Any) -> None:
    with pytest.raises(TypeError, match=r"run\(\) takes a coroutine or a generator, not"):
        run(thing)


@pytest.mark.usefixtures("no_warnings")
def test_run_given_an_async_generator_says_how_to_loop_over_it() -> None:
    with pytest.raises(TypeError, match="async for"):
        run(values())  # type: ignore[arg-type]  # the mistake in question


@pytest.mark.usefixtures("no_warnings")
def test_run_given_something_started_says_to_make_a_new_one() -> None:
    coroutine = sleeper()
    coroutine.send(None)
    for started in coroutine, started_generator():
        with pytest.raises(ValueError, match="already started; make a new one by calling"):
            run(started)


@pytest.mark.usefixtures("no_warnings")
def test_run_given_something_finished_says_to_make_a_new_one() -> None:
    coroutine = sleeper()
    coroutine.close()
    for finished in closed_generator(), exhausted_generator(), coroutine:
        with pytest.raises(ValueError, match="already finished; make a new one by calling"):
            run(finished)


@pytest.mark.usefixtures("no_warnings")
def test_run_inside_a_running_kernel_says_what_to_write_instead() -> None:
    async def main() -> str:
        with pytest.raises(RuntimeError, match=r"inside a running kernel; use 'await spawn\(...\)' or 'await ...'"):
            run(sleeper())
        with Kernel() as another, pytest.raises(RuntimeError, match="inside a running kernel"):
            another.run(sleeper())
        await sleep(1)
        return "main goes on"

    assert run(main(), clock=VirtualClock()) == "main goes on"


@pytest.mark.usefixtures("no_warnings")
def test_a_closed_kernel_runs_nothing() -> None:
    kernel = Kernel()
    kernel.close()
    kernel.close()  # twice is as good as once
    with pytest.raises(RuntimeError, match="closed"):
        kernel.run(sleeper())
    with pytest.raises(RuntimeError, match="closed"):
        kernel.call_from_thread(print)
    code = sleeper()
    with pytest.raises(RuntimeError, match="closed"):
        try:
            kernel.spawn(code)
        finally:
            code.close()


def test_a_request_cannot_be_made_by_two_at_a_time() -> None:
    async def main() -> None:
        request = sleep(5)
        first: Task[Any] = await spawn(by_await(lambda: request))
        second: Task[Any] = await spawn(by_await(lambda: request))
        with pytest.raises(RuntimeError, match="make a new one"):
            await second
        await first
        assert await now() == 5.0

    run(main(), clock=VirtualClock())
