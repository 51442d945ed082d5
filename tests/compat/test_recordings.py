"""Recordings of asyncio programs."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import compat
from compat.events import EventLoop
from compat.tasks import Task
from kernel import VirtualClock
from kernel.insight import record, watch_all
from kernel.recordings import moments as kinds
from kernel.recordings.reading import Recording, read
from kernel.recordings.sessions import Several
from kernel.recordings.tapes import Tape
from tests.fuzz import asyncio_vocabulary
from tests.fuzz.differential import run_on
from tests.fuzz.program import random_program
from tests.fuzz.source import source_of
from tests.support.recordings import Witness, events_of, lines_of


def recorded(program: Callable[[], Awaitable[Any]], file: Path) -> Recording:
    with record(file), asyncio.Runner(loop_factory=lambda: EventLoop(clock=VirtualClock())) as runner:
        runner.run(program())  # type: ignore[arg-type]  # a coroutine
    recording = read(file)
    assert recording.damage is None
    return recording


def lines_before_the_end(recording: Recording) -> list[str]:
    """What was before the runner began to clear away."""
    lines = lines_of(recording)
    end = next(at for at, line in enumerate(lines) if line.startswith("exit main"))
    return lines[:end + 1]


async def pool() -> None:
    """A worker gets jobs from a queue, in a lock."""
    asyncio.current_task().set_name("main")  # type: ignore[union-attr]  # it is one
    queue: asyncio.Queue[int] = asyncio.Queue()
    lock = asyncio.Lock()

    async def work() -> int:
        async with lock:
            job = await queue.get()
            await asyncio.sleep(job)
        return job

    async with asyncio.TaskGroup() as group:
        group.create_task(work(), name="a")
        group.create_task(work(), name="b")
        await asyncio.sleep(0)
        queue.put_nowait(1)
        queue.put_nowait(2)


def test_a_queue_and_a_lock(tmp_path: Path) -> None:
    assert lines_before_the_end(recorded(pool, tmp_path / "recording")) == textwrap.dedent("""\
        spawn main by code outside of the kernel
        resume main
        spawn a by task 1 'main'
        spawn b by task 1 'main'
        ask main sleep(0) at pool yielded
        resume a
        ask a Queue.get() at pool.<locals>.work blocked thing 1
        thing 1 Queue with 0 items
        resume b
        ask b Lock.__aenter__() at pool.<locals>.work blocked thing 2
        thing 2 Lock
        resume main
        thing 1 Queue with 1 item
        wake a by task 1 'main'
        ask main TaskGroup.__aexit__() at pool blocked
        thing 1 Queue with 2 items
        resume a
        ask a sleep(1) at pool.<locals>.work blocked until 1
        thing 1 Queue with 1 item
        idle
        clock 1
        wake a by a timer
        resume a
        thing 2 Lock
        wake b by task 2 'a'
        ask a returned
        exit a returned 1
        resume b
        ask b sleep(2) at pool.<locals>.work blocked until 3
        thing 1 Queue with 0 items
        thing 2 Lock
        idle
        clock 3
        wake b by a timer
        resume b
        ask b returned
        thing 2 Lock
        exit b returned 2
        wake main by task 3 'b'
        resume main
        ask main returned
        exit main returned
        """).splitlines()


def test_holders_of_a_lock(tmp_path: Path) -> None:
    recording = recorded(pool, tmp_path / "recording")
    owners = [[recording.tasks[task]["name"] for task in state["owners"]] for moment in recording.moments
              if moment.kind == kinds.THING and "owners" in (state := recording.states[moment.second])]
    assert owners == [["a"], [], ["b"], []]


def test_when_the_loop_was_idle(tmp_path: Path) -> None:
    """It was, before what has come from outside; it was not, before what another callback did."""
    async def main() -> None:
        loop = asyncio.get_running_loop()
        for call in lambda f: loop.call_later(0.01, f), loop.call_soon:
            event = asyncio.Event()
            call(event.set)
            await event.wait()

    with record(tmp_path / "recording"), asyncio.Runner(loop_factory=EventLoop) as runner:
        runner.run(main())
    recording = read(tmp_path / "recording")
    name = recording.tasks[1]["name"]
    lines = [line.replace(name, "main") for line in lines_of(recording, left_out="counts thing")]
    assert [line.split(" at ")[0] for line in lines[:8]] == [
        "spawn main by code outside of the kernel", "resume main", "ask main Event.wait()", "idle",
        "wake main by a timer, calling Event.set", "resume main", "ask main Event.wait()",
        "wake main by task 1 'main', calling Event.set"]


async def eager() -> None:
    asyncio.current_task().set_name("main")  # type: ignore[union-attr]  # it is one

    async def child() -> int:
        await asyncio.sleep(1)
        return 1

    await Task(child(), loop=asyncio.get_running_loop(), name="child", eager_start=True)


@pytest.mark.skipif(not hasattr(asyncio, "eager_task_factory"), reason="since Python 3.12")
def test_a_task_that_starts_inside_of_another_s_step(tmp_path: Path) -> None:
    lines = lines_of(recorded(eager, tmp_path / "recording"))
    assert lines[1:6] == [
        "resume main", "spawn child by task 1 'main'", "resume child",
        "ask child sleep(1) at eager.<locals>.child blocked until 1",
        "ask main wait(task 2 'child') at eager blocked"]


@pytest.mark.parametrize("seed", range(300, 330))
def test_random_programs_do_what_their_recordings_say(tmp_path: Path, seed: int) -> None:
    source = source_of(random_program(seed, asyncio_vocabulary.KINDS), asyncio_vocabulary.KINDS)
    witness, tape = Witness(), Tape(tmp_path / "recording")
    watch_all(Several([witness, tape]))
    try:
        run_on(compat, source)
    finally:
        watch_all(None)
        tape.close()
    recording = read(tmp_path / "recording")
    assert recording.damage is None and tape.failure is None
    # Of what a task yields and cannot wait for, an observer is not told.
    told = [event for event in witness.events if event[0] not in ("block", "ask")]
    assert [event for event in events_of(recording) if event[0] != "ask"] == told, source
