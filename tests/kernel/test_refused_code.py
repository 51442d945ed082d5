"""What cannot be run is refused where it is given, by an error that says so, and hurts nobody else."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from typing import Any

import pytest

from kernel import Task, VirtualClock, call, cancel, checkpoint, now, run, sleep, spawn, wait, wait_readable
from tests.support.coroutines import sleeper

Gen = Generator[Any, Any, Any]
Code = Coroutine[Any, Any, Any] | Gen


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
    (wait_readable, r"wait_readable\(\) takes a file")])
@pytest.mark.parametrize("thing", ["text", None, 1.5, object()])
def test_other_nonsense_is_a_type_error_at_the_call(function: Callable[[Any], Any], message: str, thing: Any) -> None:
    with pytest.raises(TypeError, match=message):
        function(thing)


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
