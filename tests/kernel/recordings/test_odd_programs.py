"""Recordings of programs that do what few do: with hostile names and values, with many functions, with many tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kernel import Kernel, Lock, Syscall, Task, checkpoint, sleep, spawn
from kernel.recordings import moments as kinds
from kernel.recordings.states import State
from tests.support.recordings import lines_of, recorded


def test_functions_that_are_made_anew_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The code objects come and go, and so do the numbers by which the recorder knows them."""
    monkeypatch.setattr("kernel.recordings.recorder.MOST_SITES", 5)
    seen: list[str] = []

    async def main() -> None:
        for number in range(50):
            names: dict[str, Any] = {"checkpoint": checkpoint, "sleep": sleep}
            exec(f"async def function_{number}():\n    await checkpoint()\n    await sleep({number % 3})\n", names)
            await (await spawn(names[f"function_{number}"]()))
            seen.append(f"function_{number}")

    recording = recorded(main, tmp_path / "recording")
    lines = [line for line in lines_of(recording) if " at function_" in line]
    assert [line.split()[1] for line in lines] == [name for name in seen for _ in range(2)]
    assert all(f" at {line.split()[1]} " in line for line in lines)


class Hostile:
    """What a program can name a task, and what its code can return."""

    def __repr__(self) -> str:
        raise ValueError("nobody asks me")


class HostileError(Exception):
    __str__ = Hostile.__repr__


@pytest.mark.usefixtures("nothing_in_the_log")
def test_names_values_and_errors_that_hold_anything(tmp_path: Path) -> None:
    async def returns(value: object) -> object:
        return value

    async def fails() -> None:
        raise HostileError

    async def main() -> None:
        await (await spawn(returns(Hostile()), name="</script><script>alert(1)</script>\x1b[31m\ud800\n"))
        await (await spawn(returns(b"x" * 1_000_000), name="large"))
        try:
            await (await spawn(fails(), name="y" * 10_000))
        except HostileError:
            pass

    recording = recorded(main, tmp_path / "recording")
    ends = {recording.tasks[moment.task]["name"]: recording.texts.get(moment.second) for moment in recording.moments
            if moment.kind == kinds.EXIT}
    assert ends == {
        "</script><script>alert(1)</script>\x1b[31m\ud800\n": "<Hostile, whose repr() fails>",
        "large": f"{b'x' * 60!r}...", f"{'y' * 500}...": "HostileError: <its str() fails>",
        "test_names_values_and_errors_that_hold_anything.<locals>.main": None}


def test_a_wait_for_a_task_that_has_ended_long_ago(tmp_path: Path) -> None:
    async def quick() -> None:
        pass

    async def main() -> None:
        tasks = [await spawn(quick()) for _ in range(1500)]
        await sleep(1)
        for task in tasks:
            await task

    recording = recorded(main, tmp_path / "recording")
    assert len(recording.tasks) == 1501
    asked = [recording.requests[moment.first] for moment in recording.moments if moment.kind == kinds.ASK and moment.first]
    assert not any(set(request.get("tasks", ())) - set(recording.tasks) for request in asked)


def test_of_many_locks_those_that_were_used_last_are_known(tmp_path: Path) -> None:
    async def main() -> None:
        locks = [Lock() for _ in range(100)]
        for lock in locks:
            await lock.acquire()
        locks[0].release()
        await locks[0].acquire()

    recording = recorded(main, tmp_path / "recording")
    lines = lines_of(recording)
    assert lines.count("thing 1 forgotten") == 1
    assert lines.index("thing 1 forgotten") < lines.index("thing 1 Lock held by nobody", 10)
    state = State(recording)
    for moment in recording.moments:
        state.apply(moment)
    assert sorted(state.things) == [1, *range(38, 101)]


class Later(Syscall[None]):
    """A request of the program's own, which puts the task at the end of the ready queue."""

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        task.blocked_on = None
        kernel.ready.append(task)
        return False


def test_a_request_of_the_program_s_own_that_lets_others_go_on(tmp_path: Path) -> None:
    async def other() -> None:
        pass

    async def main() -> None:
        await spawn(other(), name="other")
        await Later()

    lines = lines_of(recorded(main, tmp_path / "recording"))
    asked = next(at for at, line in enumerate(lines) if "Later" in line)
    assert lines[asked].endswith(" yielded") and lines[asked + 1] == "resume other"
    assert lines[-3].startswith("resume ") and not lines[-3].endswith(" again")
