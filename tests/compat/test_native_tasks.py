"""Native tasks on the event loop: they wait for what asyncio has, and asyncio knows them."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Generator
from contextvars import ContextVar
from typing import Any

import pytest

import compat
import kernel
from compat.events import EventLoop
from tests.compat.loops import Reports, note_reports, run

Gen = Generator[Any, Any, Any]

variable: ContextVar[str] = ContextVar("variable", default="unset")


def test_a_native_coroutine_waits_for_what_asyncio_has() -> None:
    async def child(future: asyncio.Future[int]) -> list[Any]:
        async with asyncio.timeout(10), asyncio.Lock():
            results = [await future, await asyncio.sleep(1, 2), *await asyncio.gather(asyncio.sleep(0, 3), modern())]
            results.append(await asyncio.wait_for(modern(), 1))
        queue: asyncio.Queue[int] = asyncio.Queue()
        queue.put_nowait(5)
        mine: object = await kernel.current_task()
        return [*results, await queue.get(), asyncio.current_task() is mine]

    async def modern() -> int:
        await asyncio.sleep(0.5)
        return 4

    async def main() -> Any:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        loop.call_later(1, future.set_result, 1)
        return await (await kernel.spawn(child(future)))

    assert run(main()) == [1, 2, 3, 4, 4, 5, True]


def test_a_native_generator_waits_for_what_asyncio_has() -> None:
    def child(future: asyncio.Future[int]) -> Gen:
        first = yield from future
        second = yield asyncio.sleep(1, 2)
        third = yield from asyncio.ensure_future(asyncio.sleep(1, 3))
        yield
        fourth = yield sub()
        yield kernel.sleep(1)
        return [first, second, third, fourth]

    def sub() -> Gen:
        yield from kernel.checkpoint()
        return 4

    async def main() -> Any:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        loop.call_soon(future.set_result, 1)
        return await (await kernel.spawn(child(future)))

    assert run(main()) == [1, 2, 3, 4]


def answer(done: bool, settle: Callable[[asyncio.Future[int]], object]) -> Any:
    """What a native generator gets that yields a future, as it is; or the class of the exception it gets."""
    got: list[Any] = []

    def child(future: asyncio.Future[int]) -> Gen:
        try:
            got.append((yield future))
        except BaseException as error:
            got.append(type(error))

    async def main() -> None:
        future = asyncio.get_running_loop().create_future()
        if done:
            settle(future)
        task = await kernel.spawn(child(future))
        await asyncio.sleep(0)
        if not done:
            settle(future)
        await task

    loop = EventLoop()
    try:
        loop.run_until_complete(main())
    finally:
        loop.close()
    return got


@pytest.mark.parametrize("done", [True, False])
def test_yielding_a_future_gives_its_result(done: bool) -> None:
    assert answer(done, lambda future: future.set_result(1)) == [1]


@pytest.mark.parametrize("done", [True, False])
def test_yielding_a_future_raises_its_exception(done: bool) -> None:
    assert answer(done, lambda future: future.set_exception(LookupError())) == [LookupError]


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.filterwarnings("ignore")
def test_yielding_a_future_raises_its_cancellation(done: bool) -> None:
    assert answer(done, lambda future: future.cancel()) == [asyncio.CancelledError]


def test_a_native_task_waits_for_a_future_of_the_stock_class() -> None:
    async def child(future: asyncio.Future[int]) -> int:
        return await future

    async def main() -> Any:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[int] = asyncio.Future(loop=loop)
        assert type(future) is not compat.Future
        loop.call_later(1, future.set_result, 1)
        return await (await kernel.spawn(child(future)))

    assert run(main()) == 1


def test_the_native_task_has_a_copy_of_the_context() -> None:
    async def child() -> str:
        seen = variable.get()
        variable.set("child")
        return seen

    async def main() -> Any:
        variable.set("main")
        return await (await kernel.spawn(child())), variable.get()

    assert run(main()) == ("main", "main")


def test_asyncio_knows_native_tasks() -> None:
    async def main() -> bool:
        task = await kernel.spawn(asyncio.sleep(1), name="sleeper")
        assert "sleeper" in repr(task)
        known: set[Any] = asyncio.all_tasks()
        return task in known

    assert run(main()) is True


def test_a_failure_of_a_native_task_that_nobody_waits_for_is_reported() -> None:
    async def child() -> None:
        raise LookupError("unseen")

    async def main() -> None:
        reports = note_reports()
        await kernel.spawn(child())
        await kernel.checkpoint()
        await kernel.checkpoint()
        gc.collect()
        assert [str(report["exception"]) for report in reports] == ["unseen"]

    run(main())


def test_a_failure_of_a_native_task_is_raised_in_who_waits() -> None:
    async def child() -> None:
        await kernel.sleep(1)
        raise LookupError("seen")

    async def main() -> None:
        results = await asyncio.gather(await kernel.spawn(child()), asyncio.sleep(2), return_exceptions=True)
        assert [type(result) for result in results] == [LookupError, type(None)]

    run(main())


def test_a_native_task_lives_without_a_reference_to_it() -> None:
    ended: list[str] = []

    async def child() -> None:
        try:
            await kernel.Waitable()
        finally:
            ended.append("child")

    async def main() -> Reports:
        reports = note_reports()
        await kernel.spawn(child())
        await asyncio.sleep(0)
        gc.collect()
        ended.append("main")
        return reports

    assert run(main()) == []
    assert ended == ["main", "child"]


def test_what_the_loop_leaves_behind_is_cancelled_at_its_end() -> None:
    ended: list[str] = []

    async def child() -> None:
        try:
            await kernel.sleep(3600)
        finally:
            ended.append("child")

    async def main() -> None:
        await kernel.spawn(child())
        await asyncio.sleep(0)

    run(main())
    assert ended == ["child"]
