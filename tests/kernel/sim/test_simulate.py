"""One simulated run: its value, its errors, and that a seed or a tape gives the same run again."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import compat
import kernel
from kernel.sim import Deviation, EndlessRun, Failed, Misfit, Tape, load
from tests.support.racing import asyncio_race, native_race

both = pytest.mark.parametrize("simulate, race", [(kernel.simulate, native_race), (compat.simulate, asyncio_race)],
                               ids=["native", "asyncio"])


@both
def test_the_quiet_schedule_gives_the_value_of_the_program(simulate: Any, race: Any) -> None:
    assert simulate(race) == "well"


@both
def test_some_seed_shows_the_race_and_shows_it_again(simulate: Any, race: Any) -> None:
    def fails(seed: int) -> bool:
        try:
            simulate(race, seed=seed)
        except AssertionError as error:
            assert "half done" in str(error)
            return True
        return False

    failing = [seed for seed in range(20) if fails(seed)]
    assert 0 < len(failing) < 20
    assert [seed for seed in range(20) if fails(seed)] == failing


@both
def test_a_tape_repeats_a_run(simulate: Any, race: Any, tmp_path: Path) -> None:
    explore = kernel.explore if simulate is kernel.simulate else compat.explore
    tape = explore(race, seed=1).tape
    assert isinstance(tape, Tape)
    tape.save(tmp_path / "race.tape")
    for source in tape, tape.text(), tmp_path / "race.tape", str(tmp_path / "race.tape"):
        with pytest.raises(AssertionError, match="half done"):
            simulate(race, tape=source)


@both
def test_an_hour_passes_at_once(simulate: Any, race: Any) -> None:
    async def native() -> float:
        await kernel.sleep(3600)
        return await kernel.now()

    async def of_asyncio() -> float:
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    assert simulate(native if simulate is kernel.simulate else of_asyncio) == 3600


def test_the_exception_of_the_program_is_raised_as_it_is() -> None:
    error = KeyError("mine")

    async def main() -> None:
        raise error

    with pytest.raises(KeyError) as caught:
        kernel.simulate(main)
    assert caught.value is error


def test_a_deadlock_is_one_on_the_loop_of_asyncio_too() -> None:
    async def native() -> None:
        await kernel.Event().wait()

    async def of_asyncio() -> None:
        await asyncio.Event().wait()

    with pytest.raises(kernel.Deadlock, match="Event"):
        kernel.simulate(native)
    with pytest.raises(kernel.Deadlock, match="test_simulate.py"):
        compat.simulate(of_asyncio)


def test_what_the_program_does_not_notice_is_raised_at_its_end() -> None:
    async def leaves_too() -> None:
        leaves_too.task = asyncio.create_task(asyncio.sleep(1), name="left")  # type: ignore[attr-defined]

    async def sleeper() -> None:
        await kernel.sleep(1)

    async def leaves_native() -> None:
        await kernel.spawn(sleeper(), name="left")

    with pytest.raises(Failed, match="leftover.*left") as caught:
        kernel.simulate(leaves_native)
    assert [failure.kind for failure in caught.value.failures] == ["leftover"]
    with pytest.raises(Failed, match="leftover.*left"):
        compat.simulate(leaves_too)
    assert kernel.simulate(leaves_native, checks=["exception", "deadlock"]) is None


def test_a_file_that_is_left_open_is_left_over(tmp_path: Path) -> None:
    (tmp_path / "some.txt").write_text("some text")

    async def main() -> str:
        return (tmp_path / "some.txt").open().read()

    async def closes() -> str:
        with (tmp_path / "some.txt").open() as file:
            return file.read()

    with pytest.raises(Failed, match="leftover: the program has not closed something: unclosed file .*some.txt"):
        kernel.simulate(main)
    assert kernel.simulate(closes) == "some text"


def test_a_failure_that_nobody_waits_for_is_one_of_the_run() -> None:
    async def fails() -> None:
        raise ValueError("nobody hears this")

    async def native() -> None:
        await kernel.spawn(fails())
        await kernel.sleep(1)

    async def of_asyncio() -> None:
        asyncio.create_task(fails())
        await asyncio.sleep(1)

    for simulate, main in (kernel.simulate, native), (compat.simulate, of_asyncio):
        with pytest.raises(Failed, match="unretrieved.*nobody hears this"):
            simulate(main)


def test_a_coroutine_that_nobody_awaits_is_a_failure() -> None:
    async def forgotten() -> None:
        pass

    async def main() -> None:
        forgotten()  # type: ignore[unused-coroutine]

    with pytest.raises(Failed, match="never awaited.*forgotten"):
        kernel.simulate(main)


def test_other_warnings_are_what_they_were() -> None:
    async def main() -> None:
        import warnings
        warnings.warn("mind this", UserWarning, stacklevel=1)

    with pytest.warns(UserWarning, match="mind this"):
        kernel.simulate(main)


def test_a_run_that_does_not_end_is_ended() -> None:
    async def main() -> None:
        while True:
            await kernel.sleep(1)

    with pytest.raises(EndlessRun, match="5,000 steps, up to 5000 s of virtual time"):
        kernel.simulate(main, most_steps=5000)


@pytest.mark.parametrize("simulate, checkpoint", [(kernel.simulate, kernel.checkpoint),
                                                  (compat.simulate, partial(asyncio.sleep, 0))])
def test_a_program_that_does_not_heed_its_cancellation_is_ended(simulate: Any, checkpoint: Any) -> None:
    async def main() -> None:
        while True:
            with suppress(kernel.Cancelled, asyncio.CancelledError):
                await checkpoint()

    with pytest.raises(EndlessRun, match="steps, up to 0.09 s of virtual time"):
        simulate(main, most_steps=5000)


def test_a_program_cannot_hide_that_a_tape_does_not_fit() -> None:
    async def main() -> None:
        with suppress(RuntimeError):
            random.random()

    with pytest.raises(Misfit, match="choice 0 was late of the kernel, with 2 options, and here it is seed of random"):
        kernel.simulate(main, tape=Tape((Deviation(0, 1, 2, "late", "the kernel"),)))


@both
def test_a_program_that_looks_again_and_again_is_not_endless(simulate: Any, race: Any) -> None:
    """Steps take time, if little: what a task waits for without a pause comes."""
    done: list[int] = []

    async def native() -> None:
        async with kernel.TaskGroup() as group:
            await group.spawn(native_work())
            while not done:
                await kernel.checkpoint()

    async def native_work() -> None:
        await kernel.sleep(0.3)
        done.append(1)

    async def of_asyncio() -> None:
        task = asyncio.create_task(asyncio.sleep(0.3))
        while not task.done():
            await asyncio.sleep(0)

    simulate(native if simulate is kernel.simulate else of_asyncio)


def test_a_delay_too_short_for_the_clock_ends() -> None:
    """After so long a time a delay may be less than two numbers can differ by: time would never pass."""
    async def main() -> None:
        await kernel.sleep(1e9)
        until = await kernel.now() + 0.005
        while (left := until - await kernel.now()) > 0:
            await kernel.sleep(min(left, 1e-9))

    kernel.simulate(main)


def test_a_program_that_waits_for_the_clock_does_not_hang() -> None:
    async def main() -> float:
        begin = time.monotonic()
        while time.monotonic() < begin + 0.05:
            pass
        return await kernel.now()

    assert 0.05 <= kernel.simulate(main) < 0.06


def test_a_tape_that_does_not_fit_says_where() -> None:
    tape = kernel.explore(native_race, seed=1).tape
    assert tape is not None

    async def another() -> None:
        await kernel.sleep(0.1)

    with pytest.raises(Misfit, match=r"choice \d+ was .* with \d+ options, and the run has ended after \d+ choices"):
        kernel.simulate(another, tape=tape)

    async def longer() -> None:
        async with kernel.TaskGroup() as group:
            for seconds in 0.1, 0.2, 0.3:
                await group.spawn(sleeper(seconds))

    async def sleeper(seconds: float) -> None:
        await kernel.sleep(seconds)

    changed = Tape(tuple(one._replace(place=0) for one in tape.deviations[:1]))
    with pytest.raises(Misfit, match=r"choice 0 was .*, and here it is stall of task 'test_a_tape.*"):
        kernel.simulate(longer, tape=changed)


@pytest.mark.parametrize("text, complaint", [
    ("{", "the text is no tape"), ('{"a": 1}', "has to begin with"), ('{"tape": 99}', "version 99"),
    ('{"tape": 1, "reach": 0, "order": "kept", "longest_stall": 1, "deviations": []}', "missing or wrong"),
    ('{"tape": 1, "reach": 2, "order": "kept", "longest_stall": 1, "deviations": [{"place": 3}]}', "can come here"),
    ('{"tape": 1, "reach": 2, "order": "kept", "longest_stall": 1, "deviations": '
     '[{"place": 3, "value": 9, "options": 2, "kind": "late", "subject": "the kernel"}]}', "can come here")])
def test_what_is_no_tape(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        load(text)


def test_a_file_that_is_no_tape(tmp_path: Path) -> None:
    (tmp_path / "some.txt").write_text("hello")
    with pytest.raises(ValueError, match="some.txt is no tape"):
        kernel.simulate(native_race, tape=tmp_path / "some.txt")
    with pytest.raises(FileNotFoundError):
        kernel.simulate(native_race, tape=tmp_path / "none.tape")


def test_what_is_no_program() -> None:
    with pytest.raises(TypeError, match=r"simulate\(\) takes a function that makes the program anew .*not <coroutine"):
        kernel.simulate(native_race())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="not 3"):
        kernel.simulate(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="by a seed or by a tape, and not both"):
        kernel.simulate(native_race, seed=1, tape=Tape())
    with pytest.raises(ValueError, match="order= is 'kept' or 'any'"):
        kernel.simulate(native_race, order="some")
    with pytest.raises(ValueError, match="no failure of the kind 'leaks'; the kinds are exception, "):
        kernel.simulate(native_race, checks=["leaks"])
    assert kernel.simulate(partial(native_race)) == "well"


def test_a_simulation_inside_of_a_program_is_refused() -> None:
    async def main() -> None:
        with pytest.raises(RuntimeError, match="call simulate.. and explore.. outside of it"):
            kernel.simulate(native_race)
        with pytest.raises(RuntimeError, match="call simulate.. and explore.. outside of it"):
            kernel.explore(native_race)

    kernel.run(main())
    kernel.simulate(main)
    asyncio.run(main())


def test_two_threads_cannot_simulate_at_once() -> None:
    errors: list[BaseException] = []

    def other() -> None:
        try:
            kernel.simulate(native_race)
        except BaseException as error:
            errors.append(error)

    async def main() -> None:
        thread.start()

    thread = threading.Thread(target=other)
    with pytest.raises(kernel.sim.Unsimulated, match="threading.Thread.start"):  # only threads of the real world can
        kernel.simulate(main)
    assert kernel.simulate(native_race) == "well"
    assert not errors


def test_ctrl_c_ends_a_simulation() -> None:
    async def main() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kernel.simulate(main)
    assert kernel.simulate(native_race) == "well"
