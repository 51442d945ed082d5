"""Exceptions that refuse to have an attribute set, as a frozen dataclass does: no loop may trip over one."""

from __future__ import annotations

import asyncio
import traceback
from dataclasses import dataclass
from typing import Any

import pytest

import compat
import kernel
from tests.compat.loops import note_reports


@dataclass(frozen=True)
class Frozen(Exception):
    code: int


class Refusing(Exception):
    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name} of this exception is not to be set")


class RefusingCancellation(asyncio.CancelledError):
    __setattr__ = Refusing.__setattr__


FAILURES = [Frozen(1), Refusing("no")]
each = pytest.mark.parametrize("failure", FAILURES, ids=["frozen dataclass", "refusing class"])


async def fail(failure: Exception) -> None:
    await asyncio.sleep(0)
    raise failure


def run(main: Any) -> Any:
    """Run `main` on our loop; a time limit of the loop's own, since what used to happen is that it hung."""

    async def limited() -> Any:
        return await asyncio.wait_for(main, 10)

    return compat.run(limited())


@each
def test_it_reaches_who_awaits_the_task(failure: Exception) -> None:
    async def main() -> list[str]:
        task = asyncio.create_task(fail(failure))
        with pytest.raises(type(failure)) as caught:
            await task
        assert caught.value is task.exception() is failure
        return [entry.name for entry in traceback.extract_tb(failure.__traceback__)]

    names = run(main())
    assert names[0] == "main" and names[-1] == "fail"
    assert "run" not in names, "the trampoline's own frame is left out"


@each
def test_it_reaches_gather_a_group_and_a_time_limit(failure: Exception) -> None:
    async def main() -> None:
        assert list(await asyncio.gather(fail(failure), return_exceptions=True)) == [failure]
        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.TaskGroup() as group:
                group.create_task(fail(failure))
        assert list(caught.value.exceptions) == [failure]
        with pytest.raises(type(failure)):
            await asyncio.wait_for(fail(failure), 5)

    run(main())


@each
def test_it_is_reported_when_nobody_awaits_the_task(failure: Exception) -> None:
    async def main() -> None:
        reports = note_reports()
        asyncio.get_running_loop().call_soon(raise_it)
        task = asyncio.create_task(fail(failure))
        await asyncio.wait([task])
        del task
        await asyncio.sleep(0)
        assert [report["exception"] for report in reports] == [failure, failure]

    def raise_it() -> None:
        raise failure

    run(main())


@each
def test_it_goes_through_a_future_a_thread_and_a_native_call(failure: Exception) -> None:
    def fail_in_thread() -> None:
        raise failure

    async def native() -> None:
        await kernel.call(fail(failure))

    async def main() -> None:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        loop.call_soon(future.set_exception, failure)
        for awaitable in future, loop.run_in_executor(None, fail_in_thread), native():
            with pytest.raises(type(failure)):
                await awaitable

    run(main())


def test_a_cancellation_of_such_a_class_ends_the_task() -> None:
    async def main() -> bool:
        async def cancelled() -> None:
            raise RefusingCancellation()

        task = asyncio.create_task(cancelled())
        await asyncio.wait([task])
        return task.cancelled()

    assert run(main()) is True
