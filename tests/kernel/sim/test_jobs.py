"""`explore(..., jobs=N)`: an exploration in several processes, native and asyncio."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

import compat
import kernel
from kernel.sim import Report
from tests.support.paths import ROOT
from tests.support.racing import asyncio_race, native_race

pytestmark = pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="it needs os.fork")
both = pytest.mark.parametrize("explore, race", [(kernel.explore, native_race), (compat.explore, asyncio_race)],
                               ids=["native", "asyncio"])


async def native_sleepers() -> None:
    async with kernel.TaskGroup() as group:
        for name in "abc":
            await group.spawn(sleeper(0.1, 0.2), name=name)


async def sleeper(*seconds: float) -> None:
    for one in seconds:
        await kernel.sleep(one)


async def asyncio_sleepers() -> None:
    async with asyncio.timeout(5):
        await asyncio.gather(asyncio.sleep(0.1), asyncio.sleep(0.2))


def quiet(report: Report) -> bool:
    """Whether no process is left, and the report is without a failure."""
    return not multiprocessing.active_children() and bool(report)


@both
@pytest.mark.parametrize("strategy", ["portfolio", "random", "exhaustive", "cancel"])
def test_the_parent_tells_what_a_process_has_found(explore: Any, race: Any, strategy: str) -> None:
    report = explore(race, strategy=strategy, seed=3, jobs=2)
    print(report)
    assert not report and report.runs > 1 and not multiprocessing.active_children()
    assert report.failures[0].kind == "exception" and isinstance(report.failures[0].error, AssertionError)
    assert len(report.tape.deviations) == 1
    assert "come in one turn" in report.story or "by the exploration" in report.story
    with pytest.raises(AssertionError):
        (kernel if race is native_race else compat).simulate(race, tape=report.tape)


@pytest.mark.parametrize("strategy", ["exhaustive", "cancel"])
@pytest.mark.parametrize("jobs", [2, 3])
@pytest.mark.parametrize("explore, program", [(kernel.explore, native_sleepers), (compat.explore, asyncio_sleepers)],
                         ids=["native", "asyncio"])
def test_all_parts_together_are_the_whole(explore: Any, program: Any, strategy: str, jobs: int) -> None:
    alone = explore(program, strategy=strategy, runs=100_000)
    together = explore(program, strategy=strategy, runs=100_000, jobs=jobs)
    assert alone.complete and quiet(together)
    assert (together.complete, together.runs, together.states) == (alone.complete, alone.runs, alone.states)
    cut_short = explore(program, strategy=strategy, runs=alone.runs - 1, jobs=jobs)
    assert not cut_short.complete and cut_short.runs == alone.runs - 1


@pytest.mark.parametrize("strategy", ["exhaustive", "cancel"])
def test_no_schedule_is_tried_twice(tmp_path: Path, strategy: str) -> None:
    made = tmp_path / "made"

    async def main() -> None:
        times: list[float] = []
        async with kernel.TaskGroup() as group:
            async def note(seconds: float) -> None:
                await kernel.sleep(seconds)
                times.append(time.monotonic())

            for seconds in 0.1, 0.25:
                await group.spawn(note(seconds))
        with made.open("a") as file:
            file.write(f"{os.getpid()} {times}\n")

    def explored(jobs: int) -> list[list[str]]:
        assert kernel.explore(main, strategy=strategy, jobs=jobs).complete
        lines = [line.split(maxsplit=1) for line in made.read_text().splitlines()]
        made.unlink()
        return lines

    alone, together = explored(1), explored(2)
    assert sorted(times for _, times in together) == sorted(times for _, times in alone)
    assert len({process for process, _ in together}) == 3  # the parent makes the first run


def test_each_process_has_random_numbers_of_its_own(tmp_path: Path) -> None:
    tapes = tmp_path / "tapes"

    async def main() -> None:
        await native_sleepers()
        with tapes.open("a") as file:
            file.write(f"{os.getpid()} {time.monotonic()}\n")

    kernel.explore(main, strategy="random", runs=200, jobs=2, seed=1)
    lines = [line.split() for line in tapes.read_text().splitlines()]
    first, second = ([end for one, end in lines if one == process] for process in {one for one, _ in lines[1:]})
    assert len(lines) == 200 and first[:20] != second[:20]


def test_runs_are_those_of_all_and_progress_is_told() -> None:
    seen: list[int] = []
    report = kernel.explore(native_sleepers, strategy="random", seed=1, runs=500, jobs=3,
                            progress=lambda report: seen.append(report.runs))
    assert quiet(report) and report.runs == 500 and report.states > 1
    assert seen[0] == 1 and seen[-1] == 500 and seen == sorted(seen) and report.seconds > 0


def test_what_is_reached_in_any_process_was_reached() -> None:
    async def main() -> None:
        async with kernel.TaskGroup() as group:
            for _ in range(2):
                await group.spawn(sleeper(0.1, 0.2))
        kernel.sometimes("late", time.monotonic() > 0.31)  # not so in the first run, which the parent makes
        kernel.sometimes("a miracle", reached=False)

    report = kernel.explore(main, runs=200, seed=1, jobs=2)
    assert quiet(report) and report.never == ["a miracle"]


def test_a_time_limit_ends_all() -> None:
    report = kernel.explore(native_sleepers, runs=10 ** 9, seconds=0.5, jobs=2)
    assert quiet(report) and 1 < report.runs < 10 ** 6


@pytest.mark.parametrize("end, how", [
    (lambda: os._exit(3), "has ended with exit status 3"),
    (lambda: os.kill(os.getpid(), signal.SIGKILL), "was ended by SIGKILL")],
    ids=["exit", "kill"])
def test_a_process_that_dies_is_reported(end: Any, how: str) -> None:
    parent = os.getpid()

    async def main() -> None:
        await kernel.sleep(1)
        if os.getpid() != parent:
            end()

    report = kernel.explore(main, jobs=2)
    assert not report and not multiprocessing.active_children()
    assert report.failures[0].kind == "died"
    assert re.search(rf"died: process [12] of 2 {how} in the middle of a run; with jobs=1 ", str(report))


def test_a_failure_of_one_process_alone_is_told() -> None:
    parent = os.getpid()

    async def main() -> None:
        await kernel.sleep(1)
        if os.getpid() != parent:
            raise OSError("in a child")

    report = kernel.explore(main, jobs=2)
    assert [str(one) for one in report.failures] == ["exception: OSError: in a child"]
    assert report.tape is None
    assert "has not failed: the program depends on something that is not simulated" in str(report)


def test_ctrl_c_tells_what_was_found_so_far_and_leaves_no_process(tmp_path: Path) -> None:
    program = textwrap.dedent("""
        import multiprocessing, kernel

        async def main():
            await kernel.sleep(1)
            while multiprocessing.parent_process() is not None:
                pass  # so the processes do not end by themselves

        first = lambda report: print("begun", flush=True)
        report = kernel.explore(main, jobs=2, progress=first)
        print(report.interrupted, report.runs, multiprocessing.active_children())
        print(report)
    """)
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.STDOUT, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        os.killpg(process.pid, signal.SIGINT)
        output = process.communicate(timeout=30)[0]
    assert output.startswith("True 1 []\nno failure in 1 runs")
    assert output.endswith("interrupted by Ctrl-C: there was more to try\n")


def test_a_ctrl_c_of_the_program_ends_all() -> None:
    parent = os.getpid()

    async def main() -> None:
        await kernel.sleep(1)
        if os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGINT)
        await kernel.sleep(1)

    report = kernel.explore(main, jobs=2)
    assert report.interrupted and report.runs >= 1 and quiet(report)


@pytest.mark.parametrize("jobs", [0, -1, 1.5, True, None])
def test_wrong_numbers_of_jobs(jobs: Any) -> None:
    with pytest.raises(ValueError, match="a number of jobs from 1 on"):
        kernel.explore(native_race, jobs=jobs)


def test_where_there_is_no_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: ["spawn"])
    with pytest.raises(ValueError, match="jobs above 1 need os.fork, which this system does not have; explore with "):
        kernel.explore(native_race, jobs=2)
