"""What a recording says that a program did, moment by moment."""

from __future__ import annotations

import textwrap
import time
from collections.abc import AsyncIterator, Generator
from pathlib import Path
from typing import Any

import pytest

from kernel import Condition, Deadlock, Event, VirtualClock, call, checkpoint, run, sleep, spawn
from kernel.insight import record
from kernel.recordings import moments as kinds
from kernel.recordings.reading import read
from kernel.recordings.states import State
from tests.support.programs import failures, pool
from tests.support.recordings import lines_of, recorded
from tests.support.streams import stream_pair


def story(text: str) -> list[str]:
    return textwrap.dedent(text).strip().splitlines()


def test_workers_with_a_queue_and_a_lock(tmp_path: Path) -> None:
    assert lines_of(recorded(pool, tmp_path / "recording")) == story("""
        spawn pool by code outside of the kernel
        resume pool
        ask pool TaskGroup.__aenter__() at pool answered
        resume pool again = TaskGroup without tasks
        ask pool TaskGroup.spawn(work(...)) at pool answered
        spawn a by task 1 'pool'
        resume pool again = <task 2 'a'>
        ask pool TaskGroup.spawn(work(...)) at pool answered
        spawn b by task 1 'pool'
        resume pool again = <task 3 'b'>
        ask pool checkpoint() at pool yielded
        resume a
        ask a Queue.get() at work blocked thing 1
        thing 1 Queue with 0 items
        resume b
        ask b Queue.get() at work blocked thing 1
        resume pool
        ask pool Queue.put(...) at pool answered thing 1
        wake a by task 1 'pool'
        resume pool again
        ask pool Queue.put(...) at pool answered thing 1
        wake b by task 1 'pool'
        resume pool again
        ask pool TaskGroup.__aexit__() at pool blocked
        thing 1 Queue with 0 items, closed
        resume a = 1
        ask a Lock.acquire() at work answered thing 2
        thing 2 Lock held by nobody
        thing 2 Lock held by task 2 'a'
        resume a again
        ask a sleep(1) at work blocked until 1
        resume b = 2
        ask b Lock.acquire() at work blocked thing 2
        idle
        clock 1
        wake a by a timer
        resume a
        wake b by task 2 'a'
        ask a Queue.get() at work answered thing 1
        thing 2 Lock held by task 3 'b'
        resume a again ! StopAsyncIteration: Queue with 0 items, closed has nothing more to get
        ask a returned
        exit a returned
        resume b
        ask b sleep(2) at work blocked until 3
        idle
        clock 3
        wake b by a timer
        resume b
        ask b Queue.get() at work answered thing 1
        thing 2 Lock held by nobody
        resume b again ! StopAsyncIteration: Queue with 0 items, closed has nothing more to get
        ask b returned
        wake pool by task 3 'b'
        exit b returned
        resume pool
        ask pool returned
        exit pool returned
        """)


def test_what_is_called_and_what_fails(tmp_path: Path) -> None:
    assert lines_of(recorded(failures, tmp_path / "recording")) == story("""
        spawn failures by code outside of the kernel
        resume failures
        ask failures call(sub(...)) at failures called
        resume failures again
        ask failures sleep(1) at sub blocked until 1
        idle
        clock 1
        wake failures by a timer
        resume failures
        ask failures returned
        resume failures again = 'sub'
        ask failures spawn(failing(...)) at failures answered
        spawn failing by task 1 'failures'
        resume failures again = <task 2 'failing'>
        ask failures wait(task 2 'failing') at failures blocked
        resume failing
        ask failing sleep(1) at failing blocked until 2
        idle
        clock 2
        wake failing by a timer
        resume failing
        ask failing returned
        wake failures by task 2 'failing'
        exit failing raised ValueError: a value
        resume failures ! ValueError: a value
        ask failures spawn(limited(...), name='other') at failures answered
        spawn other by task 1 'failures'
        resume failures again = <task 3 'other'>
        ask failures checkpoint() at failures yielded
        resume other
        ask other timeout.__aenter__() at limited answered
        resume other again = timeout(5)
        ask other sleep(10) at limited blocked until 12
        resume failures
        wake other by task 1 'failures'
        ask failures wait(task 3 'other') at failures blocked
        resume other ! Cancelled
        ask other returned
        wake failures by task 3 'other'
        exit other was cancelled: Cancelled
        resume failures ! Cancelled
        ask failures timeout.__aenter__() at limited answered
        resume failures again = timeout(5)
        ask failures sleep(10) at limited blocked until 12
        idle
        clock 7
        wake failures by a timer
        resume failures ! Cancelled
        ask failures returned
        exit failures returned
        """)


async def moved() -> None:
    """A task is notified of a condition, and then has to wait for its lock."""
    condition = Condition()

    async def waits() -> None:
        async with condition:
            await condition.wait()

    task = await spawn(waits(), name="waiter")
    await checkpoint()
    async with condition:
        condition.notify()
        await sleep(1)
    await task


def test_a_task_that_is_woken_only_to_stand_in_another_line(tmp_path: Path) -> None:
    recording = recorded(moved, tmp_path / "recording")
    lines = lines_of(recording, left_out="counts thing")
    woken = lines.index("wake waiter by task 1 'moved'")
    assert lines[woken:woken + 3] == story("""
        wake waiter by task 1 'moved'
        ask waiter Lock.acquire() at moved.<locals>.waits blocked thing 1
        ask moved sleep(1) at moved blocked until 1
        """)
    state = State(recording)
    for moment in recording.moments:
        state.apply(moment)
        if moment.kind == kinds.IDLE:
            assert state.ready == {1: []} and set(state.blocked) == {1, 2}
            break


def called() -> Generator[Any, Any, str]:
    def inner() -> Generator[Any, Any, str]:
        yield sleep(1)
        return "value"

    value: str = yield call(inner())
    yield
    return value


def test_calls_on_the_stack_of_a_task(tmp_path: Path) -> None:
    assert lines_of(recorded(called, tmp_path / "recording")) == story("""
        spawn called by code outside of the kernel
        resume called
        ask called call(called.<locals>.inner(...)) at called called
        resume called again
        ask called sleep(1) at called.<locals>.inner blocked until 1
        idle
        clock 1
        wake called by a timer
        resume called
        ask called returned
        resume called again = 'value'
        ask called checkpoint() at called yielded
        resume called
        ask called returned
        exit called returned 'value'
        """)


async def conversation() -> None:
    here, there = stream_pair()

    async def answers() -> None:
        while data := await there.read():
            await there.write(data)
        there.close()

    task = await spawn(answers(), name="answers")
    for _ in range(3):
        await here.write(b"x" * 100)
        await here.read()
    here.close()
    await task


def test_operations_on_connections(tmp_path: Path) -> None:
    with record(tmp_path / "recording"):
        run(conversation())
    recording = read(tmp_path / "recording")
    lines = [line for line in lines_of(recording) if line.split()[1:2] == ["answers"]]
    data = f"{b'x' * 60!r}..."
    read_, write = ("connection.read() at conversation.<locals>.answers", "connection.write(...) at conversation.<locals>.answers")
    assert lines[3].startswith("wake answers by descriptor ")
    once = [f"ask answers {read_} blocked", lines[3], f"resume answers = {data}", f"ask answers {write} yielded",
            "resume answers = 100"]
    assert lines[1:-5] == ["resume answers", *once * 3]  # the first one is noted in another way than the others
    assert lines[-5:] == [*once[:2], "resume answers = b''", "ask answers returned", "exit answers returned"]
    descriptors = {request.get("descriptor") for request in recording.requests.values() if request["text"].startswith("connection.")}
    assert len(descriptors) == 2  # one for each end


def test_requests_of_one_text_at_several_places(tmp_path: Path) -> None:
    async def numbers() -> AsyncIterator[int]:
        yield 1
        await checkpoint()
        yield 2
        await checkpoint()

    async def nothing() -> None:
        pass

    async def main() -> None:
        async for _ in numbers():
            pass
        for daemon in False, True:
            await spawn(nothing(), daemon=daemon)

    recording = recorded(main, tmp_path / "recording")
    first = main.__code__.co_firstlineno
    asked = [(recording.requests[moment.first]["text"],
              [line - first for _, line, _ in recording.stacks[recording.requests[moment.first]["stack"]]])
             for moment in recording.moments if moment.kind == kinds.ASK and moment.first]
    name = "test_requests_of_one_text_at_several_places.<locals>.nothing"
    assert asked == [("checkpoint()", [1, -7]), ("checkpoint()", [1, -5]), (f"spawn({name}(...))", [4]),
                     (f"spawn({name}(...), daemon=True)", [4])]


def test_counts_are_taken_now_and_then(tmp_path: Path) -> None:
    async def spin() -> None:
        end = time.monotonic() + 0.01
        while time.monotonic() < end:
            await checkpoint()

    async def main() -> None:
        tasks = [await spawn(spin()) for _ in range(3)]
        sleeper = await spawn(sleep_for_ever())
        for task in tasks:
            await task
        sleeper.cancel()

    async def sleep_for_ever() -> None:
        await sleep(1000)

    with record(tmp_path / "recording"):
        run(main())
    counts = [moment for moment in read(tmp_path / "recording").moments if moment.kind == kinds.COUNTS]
    assert len(counts) >= 3
    assert {2} <= {moment.first for moment in counts} and {moment.second for moment in counts} == {0, 1}


def test_a_deadlock(tmp_path: Path) -> None:
    async def waits(event: Event) -> None:
        await event.wait()

    async def main() -> None:
        await spawn(waits(Event()), name="a")
        await spawn(waits(Event()), name="b")
        await Event().wait()

    with record(tmp_path / "recording"), pytest.raises(Deadlock):
        run(main(), clock=VirtualClock())
    recording = read(tmp_path / "recording")
    deadlock, = recording.deadlocks
    assert [recording.tasks[task]["name"] for task in deadlock["tasks"]] == ["test_a_deadlock.<locals>.main", "a", "b"]
    assert deadlock["deadlock"].startswith("nothing is left that could wake the blocked tasks:")
    place = next(at for at, moment in enumerate(recording.moments) if moment.kind == kinds.DEADLOCK)
    assert lines_of(recording)[-1] == "exit b was cancelled: Cancelled"
    state = State(recording)
    for moment in recording.moments[:place + 1]:
        state.apply(moment)
    assert sorted(state.blocked) == sorted(deadlock["tasks"]) and state.ready == {1: []}


def test_without_data_there_is_no_value(tmp_path: Path) -> None:
    secret = "s3cr3t"

    async def keeps(value: str) -> str:
        return value

    async def main() -> None:
        from kernel import Queue  # here, so that its name is not among the globals that a reader would look for
        queue: Queue[str] = Queue()
        await queue.put(secret)
        assert await queue.get() == secret
        task = await spawn(keeps(secret))
        assert await task == secret
        await sleep(0.25)
        failing = await spawn(fails())
        try:
            await failing
        except ValueError:
            pass

    async def fails() -> None:
        raise ValueError(secret)

    def everything(data: bool) -> str:
        recording = recorded(main, tmp_path / "recording", data=data)
        recording.sources.clear()  # which are no values
        return f"{recording.texts} {recording.states} {recording.requests} {recording.header} {recording.deadlocks}"

    assert secret in everything(True) and "sleep(0.25)" in everything(True)
    assert secret not in everything(False) and "0.25" not in everything(False)
    assert "ValueError" in everything(False)


def test_a_kernel_is_recorded_from_the_middle_on(tmp_path: Path) -> None:
    async def ticks() -> None:
        for _ in range(3):
            await sleep(1)

    async def main() -> None:
        task = await spawn(ticks(), name="ticks")
        await sleep(1.5)
        with record(tmp_path / "recording"):
            await sleep(1)
        await task

    run(main(), clock=VirtualClock())
    recording = read(tmp_path / "recording")
    name = "test_a_kernel_is_recorded_from_the_middle_on.<locals>.main"
    assert recording.damage is None
    assert lines_of(recording) == [
        f"spawn {name} by what was before the recording",  # it is running
        "spawn ticks by what was before the recording",
        "ask ticks sleep(1) at test_a_kernel_is_recorded_from_the_middle_on.<locals>.ticks blocked",
        f"ask {name} sleep(1) at {name} blocked",
        "idle", "clock 2", "wake ticks by a timer", "resume ticks",
        "ask ticks sleep(1) at test_a_kernel_is_recorded_from_the_middle_on.<locals>.ticks blocked until 3",
        "idle", "clock 2.5", f"wake {name} by a timer"]
