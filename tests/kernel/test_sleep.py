"""Sleeping, also for no time: `sleep`, `sleep_until` and `checkpoint`."""

from __future__ import annotations

import decimal
import math
from collections.abc import Callable, Generator
from typing import Any

import pytest

from kernel import Cancelled, VirtualClock, checkpoint, run, sleep, sleep_until, spawn
from tests.support.styles import Ask, each_style

Gen = Generator[Any, Any, Any]


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
