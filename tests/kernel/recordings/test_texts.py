"""A recording as text: the same lines that strace writes while the program runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kernel import Condition, Event, Kernel, Queue, TaskGroup, VirtualClock, checkpoint, run, sleep, spawn, timeout
from kernel.insight import Strace, record
from kernel.recordings.reading import read
from tests.support.programs import failures, pool
from tests.support.transcripts import recorded, recorded_call, text_of, traced_and_recorded


async def conditions() -> None:
    """Tasks that are woken at a condition, and then wait for its lock."""
    condition = Condition()
    async with TaskGroup() as group:
        for name in "ab":
            await group.spawn(wait_at(condition), name=name)
        await sleep(1)
        async with condition:
            condition.notify_all()
            await sleep(1)


async def wait_at(condition: Condition) -> None:
    async with condition:
        await condition.wait()
        await sleep(1)


async def nested() -> Any:
    """Code that is called, calls other code, fails and is cancelled."""
    with pytest.raises(ZeroDivisionError):
        await called(called(failing()))
    event = Event()
    task = await spawn(limited(called(event.wait())), name="limited")
    await checkpoint()
    task.cancel()
    return await called(sleep(1))


def called(code: Any) -> Any:
    return Caller(code)


class Caller:
    """Awaiting this has the kernel call the code, on the task's own stack."""

    def __init__(self, code: Any) -> None:
        self._code = code

    def __await__(self) -> Any:
        return (yield wrapped(self._code))


async def wrapped(code: Any) -> Any:
    return await code


async def failing() -> None:
    await sleep(0.25)
    1 / 0


async def limited(code: Any) -> None:
    async with timeout(5):
        await code


@pytest.mark.parametrize("options", [{}, {"kinds": ["time", "queue"], "durations": True}, {"kinds": ["task"]},
                                     {"task": "b"}, {"relative": True, "task": "[3-9]"},
                                     {"task": "1", "relative": True}], ids=str)
@pytest.mark.parametrize("program", [pool, failures, conditions, nested])
def test_the_text_is_what_strace_writes(program: Any, options: dict[str, Any], tmp_path: Path) -> None:
    traced, text = traced_and_recorded(lambda strace: run(program(), clock=VirtualClock(), observer=strace), tmp_path,
                                       **options)
    assert traced == text and (text or "b" in options.values() or "task" in options)


def test_the_same_without_the_data(tmp_path: Path) -> None:
    """Strace can say what type a value has. A recording knows that only if it was made without data, too."""
    pieces: list[str] = []
    recording = recorded_call(lambda: run(pool(), clock=VirtualClock(), observer=Strace(pieces.append, data=False)),
                              tmp_path, data=False)
    assert text_of(recording) == text_of(recording, data=False) == "".join(pieces)
    text = text_of(recorded(pool(), tmp_path), data=False)
    assert "sleep(...) <unfinished ...>" in text and "<... Queue.get() resumed> = ...\n" in text
    assert "! StopAsyncIteration\n" in text and "sleep(1)" not in text


def test_times_of_the_real_clock(tmp_path: Path) -> None:
    async def nap() -> None:
        await sleep(0.01)

    text = text_of(recorded(nap(), tmp_path, virtual=False))
    begin, wait, end = text.splitlines()
    assert 0 <= float(begin.split()[0]) <= float(wait.split()[0]) < float(end.split()[0]) < 10
    assert 0.01 <= float(wait.rpartition("<")[2].rstrip("s>")) < 10


def test_a_deadlock(tmp_path: Path) -> None:
    async def main() -> None:
        await Queue[int]().get()

    traced, text = traced_and_recorded(lambda strace: run(main(), clock=VirtualClock(), observer=strace), tmp_path)
    assert traced == text and "+++ Deadlock" not in text and "is blocked on <Queue with 0 items>.get()" in text
    assert "+++ Deadlock +++" in text_of(read(tmp_path / "recording"), data=False)


def test_a_recording_that_begins_and_ends_in_the_middle(tmp_path: Path) -> None:
    async def program() -> None:
        sleeper = await spawn(nap(), name="sleeper")
        await sleep(1)
        with record(tmp_path / "middle"):
            await sleep(2)
        await sleeper

    async def nap() -> None:
        await sleep(2)
        await sleep(2)

    run(program(), clock=VirtualClock())
    assert text_of(read(tmp_path / "middle"), task="sleeper") == (
        "1.000000 [task 2 'sleeper'] <... sleep(2) resumed> = None\n"
        "1.000000 [task 2 'sleeper'] sleep(2) <unfinished ...>\n")


def test_several_kernels_each_with_its_own_time(tmp_path: Path) -> None:
    async def nap(seconds: float) -> None:
        await sleep(seconds)

    def two() -> None:
        for seconds in 1, 2:
            run(nap(seconds), clock=VirtualClock())

    assert text_of(recorded_call(two, tmp_path)).replace(f"{nap.__qualname__}", "nap") == (
        "+++ native kernel 1 +++\n"
        "0.000000 [task 1 'nap'] +++ made +++\n"
        "0.000000 [task 1 'nap'] sleep(1) = None <1.000000s>\n"
        "1.000000 [task 1 'nap'] +++ returned +++\n"
        "+++ native kernel 2 +++\n"
        "0.000000 [task 1 'nap'] +++ made +++\n"
        "0.000000 [task 1 'nap'] sleep(2) = None <2.000000s>\n"
        "2.000000 [task 1 'nap'] +++ returned +++\n")


def test_names_and_values_do_not_reach_the_terminal_as_they_are(tmp_path: Path) -> None:
    async def main() -> None:
        task = await spawn(fail(), name="\x1b[31mred\n+++ a line of its own +++ \ud83d")
        with pytest.raises(ValueError):
            await task

    async def fail() -> None:
        raise ValueError("\x1b[31mred\nand more")

    text = text_of(recorded(main(), tmp_path))
    assert all(line[0].isdigit() for line in text.splitlines())
    assert text.replace("\n", "").isprintable()
    assert r"[task 2 '\x1b[31mred\n+++ a line of its own +++ \ud83d'] " in text
    assert r"+++ raised ValueError: \x1b[31mred\nand more +++" in text


def test_a_damaged_recording_is_written_up_to_the_damage_with_a_word(tmp_path: Path) -> None:
    recorded(pool(), tmp_path)
    file = tmp_path / "recording"
    whole = text_of(read(file)).splitlines()
    lines = file.read_bytes().splitlines(True)
    for cut in range(1, len(lines)):
        file.write_bytes(b"".join([*lines[:cut], lines[cut][:len(lines[cut]) // 2]]))
        *text, damage = text_of(read(file)).splitlines()
        assert damage.startswith("+++ line ") and "cannot be read" in damage
        assert len(text) <= len(whole)


def test_a_kind_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no kind of requests 'locks'; the kinds are time, task, sync"):
        text_of(recorded(pool(), tmp_path), kinds=["locks"])


def test_an_empty_recording(tmp_path: Path) -> None:
    with record(tmp_path / "empty"), Kernel():
        pass
    assert text_of(read(tmp_path / "empty")) == ""
