"""`@coroutine`: it decorates generators and plain functions, and what it makes goes with `async def`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.compat.legacy.old_code import Gen, answer, compat, modern, plain, quiet, warned

COROUTINE = '"@coroutine" decorator is deprecated since Python 3.8, use "async def" instead'


@quiet
def failing() -> Gen:
    yield from compat.sleep(0)
    raise LookupError("failing")


def test_coroutine_warns() -> None:
    def old() -> Gen:
        yield

    with warned(COROUTINE):
        compat.coroutine(old)  # here


def test_a_legacy_coroutine_may_yield_from_all_that_can_be_awaited() -> None:
    @quiet
    def main() -> Gen:
        loop = compat.get_event_loop()
        future = loop.create_future()
        loop.call_soon(future.set_result, 1)
        stock: asyncio.Future[int] = asyncio.Future()
        loop.call_soon(stock.set_result, 2)
        results = [(yield from future), (yield from stock), (yield from answer()), (yield from modern()),
                   (yield from loop.create_task(modern())), (yield from compat.sleep(0, 3)),
                   (yield from compat.gather(answer(), modern())),
                   (yield from compat.wait_for(answer(), 10))]
        yield
        return results

    assert compat.run(main()) == [1, 2, 42, 42, 42, 3, [42, 42], 42]


def test_a_legacy_coroutine_can_be_awaited() -> None:
    async def main() -> list[Any]:
        return [await answer(), await compat.shield(answer()), await compat.create_task(answer())]

    assert compat.run(main()) == [42, 42, 42]


def test_an_exception_goes_through_both_kinds() -> None:
    async def middle() -> None:
        await failing()

    @quiet
    def main() -> Gen:
        with pytest.raises(LookupError, match="failing"):
            yield from compat.ensure_future(middle())
        return "caught"

    assert compat.run(main()) == "caught"


def test_a_cancellation_goes_through_both_kinds() -> None:
    seen: list[str] = []

    @quiet
    def inner() -> Gen:
        try:
            yield from compat.sleep(3600)
        except asyncio.CancelledError:
            seen.append("inner")
            raise

    async def outer() -> None:
        try:
            await inner()
        finally:
            seen.append("outer")

    async def main() -> Any:
        task = compat.create_task(outer())
        await compat.sleep(0)
        task.cancel()
        await compat.wait([task])
        return task.cancelled()

    assert compat.run(main())
    assert seen == ["inner", "outer"]


def test_an_async_function_is_left_as_it_is() -> None:
    assert quiet(modern) is modern


def test_a_function_that_is_no_generator_becomes_a_coroutine_function() -> None:
    """What it returns is waited for if it can be: a future, a coroutine, a generator; else it is the result."""
    results: list[Callable[[], Any]] = [lambda: 42, lambda: modern(), lambda: answer(), lambda: plain(),
                                        lambda: compat.ensure_future(modern())]

    async def main() -> list[Any]:
        return [await quiet(function)() for function in results]

    assert compat.run(main()) == [42] * 5


def test_it_passes_arguments_and_keeps_the_name() -> None:
    @quiet
    def add(a: int, *, b: int) -> int:
        """Adds."""
        return a + b

    assert (add.__name__, add.__doc__) == ("add", "Adds.")

    async def main() -> Any:
        return await add(1, b=2)

    assert compat.run(main()) == 3


def test_methods_and_static_methods_can_be_decorated() -> None:
    class Thing:
        value = 5

        @quiet
        def method(self) -> Gen:
            yield from compat.sleep(0)
            return self.value

        @staticmethod
        @quiet
        def static() -> Gen:
            yield from compat.sleep(0)
            return 6

    async def main() -> Any:
        return await Thing().method(), await Thing.static()

    assert compat.run(main()) == (5, 6)


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="asyncio.iscoroutinefunction is deprecated")
def test_legacy_coroutine_functions_are_coroutine_functions() -> None:
    def function() -> None:
        pass

    assert compat.iscoroutinefunction(answer)
    assert compat.iscoroutinefunction(quiet(function))
    assert not compat.iscoroutinefunction(plain)


def test_generators_are_coroutines() -> None:
    generators = answer(), plain()
    assert [compat.iscoroutine(generator) for generator in generators] == [True, True]
    others: list[object] = [42, answer, None, modern]
    assert [compat.iscoroutine(other) for other in others] == [False] * 4
    modern_one = modern()
    assert compat.iscoroutine(modern_one)
    modern_one.close()
