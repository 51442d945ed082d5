"""What a loop refuses to have done to it leaves it as it was."""

from __future__ import annotations

import asyncio
import gc
import sys
from typing import Any

import pytest

import compat
import kernel


def test_a_running_loop_that_is_to_be_closed_goes_on_with_all_its_work() -> None:
    async def main() -> list[str]:
        loop = asyncio.get_running_loop()
        done: list[str] = []

        async def native() -> str:
            await kernel.sleep(0)
            return "native task"

        loop.call_soon(done.append, "callback")
        loop.call_later(0, done.append, "timer")
        task = await kernel.spawn(native())
        with pytest.raises(RuntimeError, match="Cannot close a running event loop"):
            loop.close()
        done.append(await task)
        while len(done) < 3:
            await asyncio.sleep(0)
        return sorted(done)

    assert compat.run(asyncio.wait_for(main(), 10)) == ["callback", "native task", "timer"]


def test_a_running_loop_that_is_to_be_run_again_is_still_the_running_one() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        for _ in range(2):
            with pytest.raises(RuntimeError, match="This event loop is already running"):
                loop.run_forever()
            with pytest.raises(RuntimeError, match="This event loop is already running"):
                loop.run_until_complete(loop.create_future())
            assert asyncio.get_running_loop() is loop and loop.is_running()
        await asyncio.sleep(0)

    compat.run(main())


def test_another_loop_that_is_to_run_inside_leaves_the_running_one_alone() -> None:
    async def main() -> None:
        loop, other = asyncio.get_running_loop(), compat.new_event_loop()
        with pytest.raises(RuntimeError, match="Cannot run the event loop while another loop is running"):
            other.run_forever()
        assert asyncio.get_running_loop() is loop
        other.close()
        with pytest.raises(RuntimeError, match="Event loop is closed"):
            other.run_forever()
        assert asyncio.get_running_loop() is loop

    compat.run(main())


@pytest.mark.parametrize("debug", [False, True], ids=["", "debug"])
def test_a_timer_of_no_time_is_refused_where_it_is_set_and_the_others_come(debug: bool) -> None:
    async def main() -> list[int]:
        loop = asyncio.get_running_loop()
        loop.set_debug(debug)
        fired: list[int] = []
        no_times: list[Any] = ["soon", [], None]
        now = loop.time()
        for number in 3, 1, 2:
            for wrong in no_times:
                with pytest.raises(TypeError):
                    loop.call_at(wrong, fired.append, 0)
                with pytest.raises(TypeError):
                    loop.call_later(wrong, fired.append, 0)
            with pytest.raises(ValueError, match=r"call_at\(\) takes a number of seconds, not NaN"):
                loop.call_at(float("nan"), fired.append, 0)
            with pytest.raises(ValueError, match="takes a number of seconds, not NaN"):
                loop.call_later(float("nan"), fired.append, 0)
            loop.call_at(now + number / 1000, fired.append, number)
        while len(fired) < 3:
            await asyncio.sleep(0.001)
        return fired

    assert compat.run(asyncio.wait_for(main(), 10), debug=debug) == [1, 2, 3]


def test_a_loop_that_could_not_be_made_leaves_nothing_to_complain_of(recwarn: pytest.WarningsRecorder) -> None:
    make: Any = compat.EventLoop
    unraisable: list[object] = []
    previous, sys.unraisablehook = sys.unraisablehook, unraisable.append
    try:
        with pytest.raises(TypeError, match="derived from kernel.Observer"):
            make(observer=object())
        gc.collect()
    finally:
        sys.unraisablehook = previous
    assert unraisable == [] and list(recwarn) == []
