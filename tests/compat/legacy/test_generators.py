"""Generators and legacy coroutines are accepted wherever a coroutine is."""

from __future__ import annotations

import asyncio
import sys
import threading
import warnings
from typing import Any

import pytest

from tests.compat.legacy.old_code import Make, answer, compat, modern, plain, warned

WAIT = ("The explicit passing of coroutine objects to asyncio.wait() is deprecated since Python 3.8, and scheduled for "
        "removal in Python 3.11.")
ASYNC = "asyncio.async() function is deprecated, use ensure_future()"

GENERATORS = [pytest.param(answer, id="legacy-coroutine"), pytest.param(plain, id="generator")]


@pytest.mark.parametrize("make", GENERATORS)
class TestGenerators:
    def test_run(self, make: Make) -> None:
        assert compat.run(make()) == 42

    def test_runner(self, make: Make) -> None:
        with compat.Runner() as runner:
            assert [runner.run(make()), runner.run(make())] == [42, 42]

    def test_run_until_complete(self, make: Make, loop: asyncio.AbstractEventLoop) -> None:
        assert loop.run_until_complete(make()) == 42

    def test_loop_create_task(self, make: Make, loop: asyncio.AbstractEventLoop) -> None:
        assert loop.run_until_complete(loop.create_task(make())) == 42

    def test_task(self, make: Make, loop: asyncio.AbstractEventLoop) -> None:
        generator = make()
        task = compat.Task(generator, loop=loop)
        assert task.get_coro() is generator
        assert loop.run_until_complete(task) == 42

    def test_create_task(self, make: Make) -> None:
        async def main() -> Any:
            task = compat.create_task(make(), name="old")
            assert task.get_name() == "old"
            return await task

        assert compat.run(main()) == 42

    def test_ensure_future(self, make: Make, loop: asyncio.AbstractEventLoop) -> None:
        async def main() -> Any:
            return await compat.ensure_future(make())

        assert compat.run(main()) == 42
        assert loop.run_until_complete(compat.ensure_future(make(), loop=loop)) == 42

    def test_gather(self, make: Make) -> None:
        async def main() -> Any:
            return await compat.gather(make(), modern(), make())

        assert compat.run(main()) == [42, 42, 42]

    def test_gather_of_the_same_one_twice(self, make: Make) -> None:
        """As for coroutines: run once, and its result in both places."""
        async def main() -> Any:
            generator = make()
            return await compat.gather(generator, generator)

        with warnings.catch_warnings(record=True) as caught:  # of a coroutine that was never awaited, for instance
            assert compat.run(main()) == [42, 42]
        assert caught == []

    def test_wait(self, make: Make) -> None:
        async def main() -> Any:
            with warned(WAIT):
                done, pending = await compat.wait([make(), make()])  # here
            return sorted(task.result() for task in done), pending

        assert compat.run(main()) == ([42, 42], set())

    def test_wait_for(self, make: Make) -> None:
        async def main() -> Any:
            return await compat.wait_for(make(), 10), await compat.wait_for(make(), None)

        assert compat.run(main()) == (42, 42)

    def test_shield(self, make: Make) -> None:
        async def main() -> Any:
            return await compat.shield(make())

        assert compat.run(main()) == 42

    def test_as_completed(self, make: Make) -> None:
        async def main() -> Any:
            return [await each for each in compat.as_completed([make(), modern(), make()], timeout=10)]

        assert compat.run(main()) == [42, 42, 42]

    def test_as_completed_of_the_same_one_twice(self, make: Make) -> None:
        async def main() -> Any:
            generator = make()
            return [await each for each in compat.as_completed([generator, generator])]

        with warnings.catch_warnings(record=True) as caught:
            assert compat.run(main()) == [42]
        assert caught == []

    def test_run_coroutine_threadsafe(self, make: Make, loop: asyncio.AbstractEventLoop) -> None:
        results = []

        def work() -> None:
            results.append(compat.run_coroutine_threadsafe(make(), loop).result(10))
            loop.call_soon_threadsafe(loop.stop)

        thread = threading.Thread(target=work)
        thread.start()
        loop.run_forever()
        thread.join()
        assert results == [42]

    def test_async(self, make: Make, loop: asyncio.AbstractEventLoop) -> None:
        with warned(ASYNC):
            task = compat.async_(make(), loop=loop)  # here
        assert loop.run_until_complete(task) == 42
        with warned(ASYNC):
            task = getattr(compat, "async")(make(), loop=loop)  # here
        assert loop.run_until_complete(task) == 42

    @pytest.mark.skipif(sys.version_info < (3, 12), reason="the name is missing; see test_names.py")
    def test_task_group(self, make: Make) -> None:
        """Younger than what it is given here, and no less willing: it asks the loop."""
        async def main() -> Any:
            async with compat.TaskGroup() as group:
                task = group.create_task(make())
            return task.result()

        assert compat.run(main()) == 42


def test_a_generator_can_be_waited_for_by_keyword() -> None:
    async def main() -> Any:
        return await compat.wait_for(fut=plain(), timeout=10)

    assert compat.run(main()) == 42


def test_the_running_function_s_name_is_shown() -> None:
    async def main() -> str:
        task = compat.ensure_future(answer())
        shown = repr(task)
        await task
        return shown

    assert "coro=<answer()" in compat.run(main())


def test_a_generator_can_be_shielded_by_keyword() -> None:
    async def main() -> Any:
        return await compat.shield(arg=plain())

    assert compat.run(main()) == 42


@pytest.mark.parametrize("make", GENERATORS)
def test_a_task_of_a_generator_can_be_shown(make: Make, loop: asyncio.AbstractEventLoop) -> None:
    task = loop.create_task(make())
    try:
        assert f"{make.__name__}()" in repr(task)
    finally:
        loop.run_until_complete(task)


@pytest.mark.parametrize("make", GENERATORS)
def test_the_stack_of_a_generator_is_shown(make: Make, loop: asyncio.AbstractEventLoop) -> None:
    task: Any = loop.create_task(make())
    assert [frame.f_code.co_name for frame in task.get_stack()] == [make.__name__]
    loop.run_until_complete(task)
    assert task.get_stack() == []


def test_a_result_that_is_a_generator_is_left_alone() -> None:
    async def main() -> Any:
        generator = (i for i in range(3))
        return generator, await compat.sleep(0, generator)

    given, got = compat.run(main())
    assert got is given


def test_what_is_no_coroutine_is_refused(loop: asyncio.AbstractEventLoop) -> None:
    async def main() -> None:
        with pytest.raises(TypeError, match="An asyncio.Future, a coroutine or an awaitable is required"):
            compat.ensure_future(42)
        with pytest.raises(TypeError, match="a coroutine was expected, got 42"):
            compat.create_task(42)
        with pytest.raises(TypeError, match="A coroutine object is required"):
            compat.run_coroutine_threadsafe(42, loop)
        with pytest.raises(TypeError, match="future"):
            await compat.wait(compat.ensure_future(modern()))
        with pytest.raises(ValueError, match="empty"):
            await compat.wait([])

    compat.run(main())
