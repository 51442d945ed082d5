"""Exceptions whose classes refuse what exceptions usually allow: they travel like any other."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import pytest

from kernel import Kernel, TaskGroup, Waitable, call, run, sleep, spawn, timeout, wait
from tests.support.reports import Reports


@dataclass(frozen=True)
class Frozen(Exception):
    number: int


class Refusing(Exception):
    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"no {name} here")

    def with_traceback(self, tb: object) -> Any:
        raise AttributeError("no traceback here")


class Hidden(Exception):
    __traceback__ = None


ODD = pytest.mark.parametrize("error", [Frozen(1), Refusing(), Hidden("out of sight")],
                              ids=["frozen", "refusing", "hidden"])


@ODD
def test_one_raised_by_a_task_reaches_who_waits_and_hurts_nobody_else(error: Exception) -> None:
    log: list[object] = []

    async def failing() -> None:
        await sleep(0)
        raise error

    async def waiting(task: Waitable[None]) -> None:
        try:
            await task
        except Exception as caught:
            log.append(caught)

    async def main() -> str:
        task = await spawn(failing())
        for _ in range(2):
            await spawn(waiting(task))
        bystander = await spawn(sleep_and_return())
        with pytest.raises(type(error)) as first:
            await task
        with pytest.raises(type(error)) as second:  # it is done now, and asked by another way
            await wait(task)
        assert first.value is second.value is error is task.exception()
        with pytest.raises(type(error)):
            await call(failing())
        return await bystander

    async def sleep_and_return() -> str:
        await sleep(0.01)
        return "unharmed"

    assert run(main()) == "unharmed"
    assert log == [error, error]


@ODD
def test_one_raised_by_main_is_raised_by_run(error: Exception) -> None:
    async def main() -> None:
        await sleep(0)
        raise error

    with pytest.raises(type(error)) as caught:
        run(main())
    assert caught.value is error


@ODD
def test_one_goes_through_calls_of_generators_groups_and_timeouts(error: Exception) -> None:
    def inner() -> Generator[Any, Any, None]:
        yield sleep(0)
        raise error

    def outer() -> Generator[Any, Any, None]:
        yield inner()

    async def main() -> None:
        with pytest.raises(type(error)):
            await call(outer())
        with pytest.raises(type(error)):
            async with timeout(10):
                await call(inner())
        with pytest.raises(ExceptionGroup) as group:
            async with TaskGroup() as tasks:
                await tasks.spawn(outer())
        assert group.value.exceptions == (error,)

    run(main())


@ODD
def test_one_given_to_a_waitable_or_raised_by_a_task_nobody_waits_for(error: Exception) -> None:
    reports = Reports()

    async def failing() -> None:
        raise error

    async def main() -> None:
        mailbox = Waitable[None]()
        mailbox.fail(error)
        with pytest.raises(type(error)):
            await mailbox
        await spawn(failing())
        await sleep(0)

    run(main(), exception_hook=reports)
    assert reports.errors == [error]


def test_a_frozen_exit_ends_the_run_and_leaves_the_process_as_before() -> None:
    class Exit(SystemExit):
        def __setattr__(self, name: str, value: object) -> None:
            raise AttributeError(f"no {name} here")

    ended: list[str] = []

    async def leaving() -> None:
        raise Exit(3)

    async def main() -> None:
        try:
            await spawn(leaving())
            await sleep(1000)
        finally:
            ended.append("main")

    with Kernel() as kernel:
        with pytest.raises(Exit) as caught, kernel.expect_calls():
            kernel.run(main())
        assert caught.value.code == 3 and ended == ["main"]
        assert kernel.run(sleep_once()) is None and not kernel.tasks


async def sleep_once() -> None:
    await sleep(0)
