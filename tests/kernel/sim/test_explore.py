"""Exploring: each strategy finds a race, what it says of it, and what it says when it has found nothing."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
import sys
from pathlib import Path
from contextlib import suppress
from random import Random
from typing import Any

import pytest

import compat
import kernel
from kernel.recordings.reading import read
from kernel.recordings.texts import write_text
from kernel.sim import Report, Tape
from kernel.sim.choices import Choices, Chosen, Often
from tests.support import racing
from tests.support.paths import ROOT
from tests.support.racing import asyncio_race, native_race

both = pytest.mark.parametrize("explore, race", [(kernel.explore, native_race), (compat.explore, asyncio_race)],
                               ids=["native", "asyncio"])


@both
@pytest.mark.parametrize("strategy", ["portfolio", "random", "few", "exhaustive", "guided", "cancel"])
def test_each_strategy_finds_the_race(explore: Any, race: Any, strategy: str) -> None:
    report = explore(race, strategy=strategy, seed=3)
    print(report)
    assert not report
    failure = report.failures[0]
    assert failure.kind == "exception" and isinstance(failure.error, AssertionError)
    assert 1 < report.runs <= 200
    # Nothing but the one deviation is left: a process that sleeps too long, or a step that takes too long.
    assert len(report.tape.deviations) == 1


@both
def test_the_story_tells_what_was_not_quiet(explore: Any, race: Any) -> None:
    report = explore(race, strategy="few", seed=3)
    worker, main = ("'worker'", "'native_race'") if explore is kernel.explore else ("'worker'", "'Task-1'")
    assert report.story.splitlines()[:2] == [
        "in the quiet schedule, but for:",
        f"  at 0 s the process sleeps until 0.5 s, so that the sleep of task {worker} and the sleep of task {main} "
        "come in one turn"]
    assert f"  0.5 s: task {main} cancels task {worker}, which is ready, at {racing.__file__}:" in report.story
    assert "found in run" in str(report) and "few, seed 3" in str(report) and report.story in str(report)


def test_the_story_ends_with_the_program() -> None:
    """What the shutdown cancels is no part of it."""
    async def sleeper() -> None:
        await kernel.sleep(10)

    async def main() -> None:
        await kernel.spawn(sleeper())

    report = kernel.explore(main)
    assert report.failures[0].kind == "leftover"
    assert report.story == "in the quiet schedule, in which no step takes long and nothing is late"


@both
def test_a_seed_explores_the_same_again(explore: Any, race: Any) -> None:
    first, second = explore(race, seed=7), explore(race, seed=7)
    assert (first.runs, first.tape, first.story) == (second.runs, second.tape, second.story)
    assert explore(race, seed=8).tape == first.tape  # of which nothing could be left out


def test_without_a_seed_each_exploration_has_another() -> None:
    assert kernel.explore(native_race).seed != kernel.explore(native_race).seed


async def fine() -> None:
    """Two tasks that sleep, one of them twice."""
    async with kernel.TaskGroup() as group:
        await group.spawn(sleeper(0.1, 0.2))
        await group.spawn(sleeper(0.2))


async def sleeper(*seconds: float) -> None:
    for one in seconds:
        await kernel.sleep(one)


def test_an_exhaustive_exploration_says_that_it_is_complete() -> None:
    def count(bound: int) -> int:
        report = kernel.explore(fine, strategy="exhaustive", bound=bound, runs=100_000)
        assert report, report
        schedules = "is 1 schedule" if bound == 0 else f"are {report.runs:,} schedules"
        assert report.complete == (f"complete: there {schedules} with up to {bound} deviation{'s' * (bound != 1)} from "
                                   "the quiet one, and each was tried")
        return report.runs

    none, one, two = count(0), count(1), count(2)
    assert none == 1
    # One deviation: each value of each choice of the quiet run.
    options = quiet_options()
    assert one == 1 + sum(number - 1 for number in options)
    assert two > one * 2


def quiet_options() -> bytes:
    from kernel.sim.choices import Quiet
    from kernel.sim.native import NATIVE
    from kernel.sim.runs import Run
    run = Run(Quiet())
    run.make(NATIVE, fine)
    return bytes(run.choices.options)


def test_an_exhaustive_exploration_that_is_cut_short_does_not_say_so() -> None:
    report = kernel.explore(fine, strategy="exhaustive", runs=10)
    assert report and report.runs == 10 and not report.complete
    assert str(report).startswith("no failure in 10 runs (exhaustive, seed ")


def test_the_strategy_of_time_limits_ends() -> None:
    report = kernel.explore(fine, strategy="cancel", runs=10_000)
    assert report and "was let come at each step before it" in report.complete and report.runs < 10_000


def test_what_holds_in_every_schedule_is_found_in_none() -> None:
    async def main() -> None:
        lock, total = kernel.Lock(), 0

        async def add() -> None:
            nonlocal total
            async with lock:
                seen = total
                await kernel.sleep(0.01)
                total = seen + 1

        async with kernel.TaskGroup() as group:
            for _ in range(5):
                await group.spawn(add())
        assert total == 5

    report = kernel.explore(main, runs=500, seed=1)
    assert report and report.runs == 500 and report.states >= 5


def test_the_order_of_ready_tasks_is_kept_unless_it_is_asked_for() -> None:
    async def main() -> None:
        order: list[int] = []

        async def note(number: int) -> None:
            order.append(number)

        async with kernel.TaskGroup() as group:
            for number in range(3):
                await group.spawn(note(number))
        assert order == [0, 1, 2]

    assert kernel.explore(main, runs=300, seed=1)
    report = kernel.explore(main, runs=300, seed=1, order="any")
    assert not report
    assert "runs before" in report.story
    with pytest.raises(AssertionError):
        kernel.simulate(main, tape=report.tape)  # which says that any order goes


def test_no_stall_is_longer_than_a_loaded_machine_makes_it() -> None:
    async def main() -> None:
        async with kernel.timeout(2):
            await kernel.sleep(0.3)
            await kernel.sleep(0.2)

    assert kernel.explore(main, runs=300, seed=1)
    report = kernel.explore(main, runs=300, seed=1, longest_stall=5)
    assert not report
    assert "the time limit of task 'main" in report.story or "the time limit of task 'test_no" in report.story


def test_a_deadline_that_two_timers_share_comes_for_both_in_one_turn() -> None:
    async def main(shared: bool) -> None:
        now = asyncio.get_running_loop().time
        first = now() + 0.01
        with suppress(TimeoutError):
            async with asyncio.timeout_at(first):
                async with asyncio.timeout_at(first if shared else now() + 0.01) as inner:
                    await asyncio.sleep(1)
        assert inner.expired()

    assert compat.explore(lambda: main(True), strategy="exhaustive")
    report = compat.explore(lambda: main(False), strategy="exhaustive")
    assert "comes a turn after the one before it, although they have the same deadline" in report.story


def test_a_function_may_end_a_turn_after_the_deadline_until_which_it_takes() -> None:
    async def main() -> None:
        done: list[int] = []

        async def work() -> None:
            await kernel.run_in_thread(done.append, 1)

        async with kernel.TaskGroup() as group:
            await group.spawn(work())
            await kernel.sleep(1)
            assert done

    report = kernel.explore(main, strategy="exhaustive", longest_stall=0)
    assert not report
    assert "the function list.append in its thread comes a turn after the one before it" in report.story, report.story


def test_random_numbers_are_a_choice() -> None:
    import random

    async def main() -> None:
        await kernel.sleep(1)
        assert random.random() < 0.9

    state = random.getstate()
    report = kernel.explore(main, runs=500, seed=2)
    assert not report
    assert "the random numbers are those of seed" in report.story
    assert report.tape is not None
    with pytest.raises(AssertionError):
        kernel.simulate(main, tape=report.tape)
    assert random.getstate() == state


def test_what_is_claimed_is_asked() -> None:
    async def main() -> None:
        held: list[str] = []
        kernel.always("one holder", lambda: len(held) <= 1)

        async def hold(name: str, begin: float) -> None:
            await kernel.sleep(begin)
            held.append(name)
            await kernel.sleep(0.3)
            held.remove(name)

        async with kernel.TaskGroup() as group:
            await group.spawn(hold("a", 0.1))
            await group.spawn(hold("b", 0.5))

    report = kernel.explore(main, seed=1)
    assert not report
    assert report.failures[0].message.startswith("always: one holder: this does not hold at ")


def test_what_is_to_be_in_the_end() -> None:
    async def main(seconds: float, within: float) -> None:
        done: list[int] = []
        kernel.eventually("done", lambda: done, within=within)
        await kernel.sleep(seconds)
        done.append(1)
        await kernel.sleep(0.5)

    assert kernel.explore(lambda: main(0.5, 2), runs=50)
    late = kernel.explore(lambda: main(1, 0.5), runs=50, strategy="few")
    assert late.failures[0].message == "eventually: done: this was not so by 0.5 s"
    never = kernel.explore(lambda: main(1, 100), runs=50)
    assert never

    async def ends() -> None:
        kernel.eventually("something", lambda: False, within=10)

    assert "the program has ended before it was so" in kernel.explore(ends).failures[0].message


def test_a_predicate_that_fails() -> None:
    async def main() -> None:
        kernel.always("broken", lambda: 1 / 0)
        await kernel.sleep(1)

    assert "broken: the predicate has failed: ZeroDivisionError" in kernel.explore(main).failures[0].message


def test_what_is_never_reached_is_said() -> None:
    async def main() -> None:
        kernel.sometimes("begun")
        try:
            async with kernel.timeout(0.5):
                await kernel.sleep(0.3)
        except TimeoutError:
            pass
        kernel.sometimes("a miracle", reached=False)

    report = kernel.explore(main, runs=100)
    assert report and report.never == ["a miracle"]
    assert "never reached: a miracle" in str(report)


def test_what_a_function_in_a_thread_claims_counts() -> None:
    async def main() -> None:
        def work() -> None:
            kernel.sim.sometimes("the work is done", False)
            kernel.always("nothing is lost", lambda: not lost)
            lost.append(1)

        lost: list[int] = []
        await kernel.run_in_thread(work)
        await kernel.sleep(1)

    report = kernel.explore(main, runs=1)
    assert "always: nothing is lost" in str(report.failures[0]) and report.never == ["the work is done"]


def test_claims_outside_of_a_simulation_do_nothing() -> None:
    kernel.always("nothing", lambda: False)
    kernel.eventually("nothing", lambda: False, within=1)
    kernel.sometimes("nothing")


@both
def test_the_run_that_is_told_is_recorded(explore: Any, race: Any, tmp_path: Path) -> None:
    report = explore(race, seed=1, recording=tmp_path / "race.rec")
    assert f"watch it: trampoline movie {tmp_path / 'race.rec'}" in str(report)
    recording = read(tmp_path / "race.rec")
    assert recording.damage is None
    text = io.StringIO()
    write_text(recording, text)
    assert "[task 2 'worker'] sleep(0.3)" in text.getvalue() and "<0.500000s>" in text.getvalue()
    assert "raised AssertionError: half done" in text.getvalue()


def test_progress_is_told_and_time_limits_hold() -> None:
    seen: list[int] = []

    def note(report: Report) -> None:
        seen.append(report.runs)

    assert kernel.explore(fine, runs=20, progress=note)
    assert seen == list(range(1, 21))
    assert kernel.explore(fine, runs=10 ** 9, seconds=0.2).runs < 10 ** 6


def test_ctrl_c_tells_what_was_found_so_far() -> None:
    def interrupt(report: Report) -> None:
        if report.runs == 5:
            raise KeyboardInterrupt

    report = kernel.explore(fine, runs=100, progress=interrupt)
    assert report.interrupted and report.runs == 5
    assert "interrupted by Ctrl-C" in str(report)


def test_a_real_ctrl_c_in_a_run_ends_the_exploration() -> None:
    async def main() -> None:
        await kernel.sleep(1)
        os.kill(os.getpid(), signal.SIGINT)
        await kernel.sleep(1)

    report = kernel.explore(main, runs=100)
    assert report.interrupted and report.runs == 0


@pytest.mark.parametrize("arguments, complaint", [
    ({"strategy": "luck"}, "no strategy 'luck'; the strategies are portfolio, random, few, exhaustive, guided, cancel"),
    ({"runs": 0}, "a number of runs from 1 on, not 0"), ({"bound": 1}, "bound= is for the strategy 'exhaustive'"),
    ({"strategy": "exhaustive", "bound": -1}, "a number of deviations from 0 on, not -1")])
def test_wrong_arguments(arguments: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        kernel.explore(native_race, **arguments)


def test_a_report_replays_in_another_process_with_other_hashes() -> None:
    for explore, name in (kernel.explore, "native_race"), (compat.explore, "asyncio_race"):
        report = explore(globals()[name], seed=1)
        assert report.tape is not None
        package = "kernel" if name == "native_race" else "compat"
        script = (f"import {package}\nfrom tests.support.racing import {name}\n"
                  f"try:\n    {package}.simulate({name}, tape={report.tape.text()!r})\n"
                  "except AssertionError as error:\n    print(error)")
        for seed in "1", "2":
            result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=os.environ | {"PYTHONHASHSEED": seed},
                                    capture_output=True, text=True, timeout=60)
            assert (result.stdout, result.stderr) == ("half done\n", "")


def test_an_exploration_leaves_nothing_behind() -> None:
    import gc
    import time
    before = time.time, time.monotonic, gc.isenabled(), gc.get_freeze_count(), asyncio.SelectorEventLoop
    kernel.explore(native_race)
    compat.explore(asyncio_race)
    assert (time.time, time.monotonic, gc.isenabled(), gc.get_freeze_count(), asyncio.SelectorEventLoop) == before
    assert type(compat.new_event_loop()) is compat.EventLoop


def test_a_plan_at_random_deviates_as_often_as_it_says() -> None:
    choices = Choices(Often(Random(5), 0.1))
    made = [choices.choose("stall", 3) for _ in range(20_000)]
    assert 1800 < sum(value > 0 for value in made) < 2200
    assert set(made) == {0, 1, 2}


def test_a_chosen_value_stands_for_one_of_the_options() -> None:
    choices = Choices(Chosen({1: 1, 3: 5, 4: 2}))
    assert [choices.choose("stall", 3) for _ in range(6)] == [0, 1, 0, 1, 2, 0]
    assert Tape(tuple(choices.deviations)).values() == {1: 1, 3: 1, 4: 2}
