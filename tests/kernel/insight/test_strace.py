"""strace: what it writes, to the character, for programs in virtual time."""

from __future__ import annotations

import re
import textwrap
from typing import Any

import pytest

from kernel import (Kernel, Observer, Queue, Stream, VirtualClock, Waitable, checkpoint, current_task, open_connection, run,
                    serve, sleep, spawn)
from kernel.insight import Strace, watch
from tests.support.programs import failures, pool
from tests.support.reports import Reports


def transcript(program: Any, **options: Any) -> str:
    """What is written while `program` runs."""
    pieces: list[str] = []
    run(program, clock=VirtualClock(), observer=Strace(pieces.append, **options))
    return "".join(pieces)


def text(lines: str) -> str:
    return textwrap.dedent(lines).removeprefix("\n")


def test_workers_with_a_queue_and_a_lock() -> None:
    assert transcript(pool()) == text("""
        0.000000 [task 1 'pool'] +++ made +++
        0.000000 [task 1 'pool'] <TaskGroup without tasks>.__aenter__() = TaskGroup without tasks
        0.000000 [task 1 'pool'] <TaskGroup without tasks>.spawn(work(...)) = <task 2 'a'>
        0.000000 [task 1 'pool'] <TaskGroup of 1: task 2 'a'>.spawn(work(...)) = <task 3 'b'>
        0.000000 [task 1 'pool'] checkpoint() <unfinished ...>
        0.000000 [task 2 'a'] <Queue with 0 items>.get() <unfinished ...>
        0.000000 [task 3 'b'] <Queue with 0 items>.get() <unfinished ...>
        0.000000 [task 1 'pool'] <... checkpoint() resumed> = None
        0.000000 [task 1 'pool'] <Queue with 0 items>.put(...) = None
        0.000000 [task 1 'pool'] <Queue with 0 items>.put(...) = None
        0.000000 [task 1 'pool'] <TaskGroup of 2: task 2 'a', task 3 'b'>.__aexit__() <unfinished ...>
        0.000000 [task 2 'a'] <... Queue.get() resumed> = 1
        0.000000 [task 2 'a'] <Lock held by nobody>.acquire() = None
        0.000000 [task 2 'a'] sleep(1) <unfinished ...>
        0.000000 [task 3 'b'] <... Queue.get() resumed> = 2
        0.000000 [task 3 'b'] <Lock held by task 2 'a'>.acquire() <unfinished ...>
        1.000000 [task 2 'a'] <... sleep(1) resumed> = None <1.000000s>
        1.000000 [task 2 'a'] <Queue with 0 items, closed>.get() = ! StopAsyncIteration: Queue with 0 items, closed has nothing more to get
        1.000000 [task 2 'a'] +++ returned +++
        1.000000 [task 3 'b'] <... Lock.acquire() resumed> = None <1.000000s>
        1.000000 [task 3 'b'] sleep(2) = None <2.000000s>
        3.000000 [task 3 'b'] <Queue with 0 items, closed>.get() = ! StopAsyncIteration: Queue with 0 items, closed has nothing more to get
        3.000000 [task 3 'b'] +++ returned +++
        3.000000 [task 1 'pool'] <... TaskGroup.__aexit__() resumed> = None <3.000000s>
        3.000000 [task 1 'pool'] +++ returned +++
        """)


def test_what_is_called_and_what_fails() -> None:
    assert transcript(failures()) == text("""
        0.000000 [task 1 'failures'] +++ made +++
        0.000000 [task 1 'failures'] call(sub(...)) <unfinished ...>
        0.000000 [task 1 'failures'] sleep(1) = None <1.000000s>
        1.000000 [task 1 'failures'] <... call(sub(...)) resumed> = 'sub' <1.000000s>
        1.000000 [task 1 'failures'] spawn(failing(...)) = <task 2 'failing'>
        1.000000 [task 1 'failures'] wait(task 2 'failing') <unfinished ...>
        1.000000 [task 2 'failing'] sleep(1) = None <1.000000s>
        2.000000 [task 2 'failing'] +++ raised ValueError: a value +++
        2.000000 [task 1 'failures'] <... wait(task 2 'failing') resumed> = ! ValueError: a value <1.000000s>
        2.000000 [task 1 'failures'] spawn(limited(...), name='other') = <task 3 'other'>
        2.000000 [task 1 'failures'] checkpoint() <unfinished ...>
        2.000000 [task 3 'other'] <timeout(5)>.__aenter__() = timeout(5)
        2.000000 [task 3 'other'] sleep(10) <unfinished ...>
        2.000000 [task 1 'failures'] <... checkpoint() resumed> = None
        2.000000 [task 1 'failures'] wait(task 3 'other') <unfinished ...>
        2.000000 [task 3 'other'] <... sleep(10) resumed> = ! cancelled
        2.000000 [task 3 'other'] +++ was cancelled +++
        2.000000 [task 1 'failures'] <... wait(task 3 'other') resumed> = ! cancelled
        2.000000 [task 1 'failures'] <timeout(5)>.__aenter__() = timeout(5)
        2.000000 [task 1 'failures'] sleep(10) = ! cancelled <5.000000s>
        7.000000 [task 1 'failures'] +++ returned +++
        """)


def test_kinds_of_requests_with_how_long_each_took() -> None:
    assert transcript(pool(), kinds=["time", "queue"], durations=True) == text("""
        0.000000 [task 1 'pool'] checkpoint() <unfinished ...>
        0.000000 [task 2 'a'] <Queue with 0 items>.get() <unfinished ...>
        0.000000 [task 3 'b'] <Queue with 0 items>.get() <unfinished ...>
        0.000000 [task 1 'pool'] <... checkpoint() resumed> = None <0.000000s>
        0.000000 [task 1 'pool'] <Queue with 0 items>.put(...) = None <0.000000s>
        0.000000 [task 1 'pool'] <Queue with 0 items>.put(...) = None <0.000000s>
        0.000000 [task 2 'a'] <... Queue.get() resumed> = 1 <0.000000s>
        0.000000 [task 2 'a'] sleep(1) <unfinished ...>
        0.000000 [task 3 'b'] <... Queue.get() resumed> = 2 <0.000000s>
        1.000000 [task 2 'a'] <... sleep(1) resumed> = None <1.000000s>
        1.000000 [task 2 'a'] <Queue with 0 items, closed>.get() = ! StopAsyncIteration: Queue with 0 items, closed has nothing more to get <0.000000s>
        1.000000 [task 3 'b'] sleep(2) = None <2.000000s>
        3.000000 [task 3 'b'] <Queue with 0 items, closed>.get() = ! StopAsyncIteration: Queue with 0 items, closed has nothing more to get <0.000000s>
        """)


@pytest.mark.parametrize("pattern", ["b", "3", "[b-z]"])
def test_one_task_with_the_times_between_its_lines(pattern: str) -> None:
    assert transcript(pool(), relative=True, task=pattern) == text("""
        0.000000 [task 3 'b'] +++ made by task 1 'pool' +++
        0.000000 [task 3 'b'] <Queue with 0 items>.get() = 2
        0.000000 [task 3 'b'] <Lock held by task 2 'a'>.acquire() = None <1.000000s>
        1.000000 [task 3 'b'] sleep(2) = None <2.000000s>
        2.000000 [task 3 'b'] <Queue with 0 items, closed>.get() = ! StopAsyncIteration: Queue with 0 items, closed has nothing more to get
        0.000000 [task 3 'b'] +++ returned +++
        """)


def test_without_the_data() -> None:
    assert transcript(pool(), data=False) == text("""
        0.000000 [task 1 'pool'] +++ made +++
        0.000000 [task 1 'pool'] TaskGroup.__aenter__() = <TaskGroup>
        0.000000 [task 1 'pool'] TaskGroup.spawn(...) = <Task>
        0.000000 [task 1 'pool'] TaskGroup.spawn(...) = <Task>
        0.000000 [task 1 'pool'] checkpoint() <unfinished ...>
        0.000000 [task 2 'a'] Queue.get() <unfinished ...>
        0.000000 [task 3 'b'] Queue.get() <unfinished ...>
        0.000000 [task 1 'pool'] <... checkpoint() resumed> = None
        0.000000 [task 1 'pool'] Queue.put(...) = None
        0.000000 [task 1 'pool'] Queue.put(...) = None
        0.000000 [task 1 'pool'] TaskGroup.__aexit__() <unfinished ...>
        0.000000 [task 2 'a'] <... Queue.get() resumed> = <int>
        0.000000 [task 2 'a'] Lock.acquire() = None
        0.000000 [task 2 'a'] sleep(...) <unfinished ...>
        0.000000 [task 3 'b'] <... Queue.get() resumed> = <int>
        0.000000 [task 3 'b'] Lock.acquire() <unfinished ...>
        1.000000 [task 2 'a'] <... sleep(...) resumed> = None <1.000000s>
        1.000000 [task 2 'a'] Queue.get() = ! StopAsyncIteration
        1.000000 [task 2 'a'] +++ returned +++
        1.000000 [task 3 'b'] <... Lock.acquire() resumed> = None <1.000000s>
        1.000000 [task 3 'b'] sleep(...) = None <2.000000s>
        3.000000 [task 3 'b'] Queue.get() = ! StopAsyncIteration
        3.000000 [task 3 'b'] +++ returned +++
        3.000000 [task 1 'pool'] <... TaskGroup.__aexit__() resumed> = None <3.000000s>
        3.000000 [task 1 'pool'] +++ returned +++
        """)



def test_long_values_are_cut_and_broken_ones_do_no_harm() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise ZeroDivisionError

    async def program() -> None:
        queue: Queue[Any] = Queue()
        for item in ("x" * 1000, [0] * 1000, Broken(), "two\nlines"):
            queue.put_nowait(item)
            await queue.get()  # the task does not ask the kernel where there is an item
        getters = [await spawn(get(queue), name="getter") for _ in range(4)]
        await checkpoint()
        for value in ("x" * 1000, [0] * 1000, Broken(), object()):
            queue.put_nowait(value)
        for getter in getters:
            await getter

    async def get(queue: Queue[Any]) -> None:
        await queue.get()

    lines = [line.partition("> = ")[2] or line for line in transcript(program(), kinds=["queue"]).splitlines()]
    got = [line.rpartition("resumed> = ")[2] for line in transcript(program(), kinds=["queue"]).splitlines()
           if "resumed" in line]
    assert got == [f"'{'x' * 60}'...", "[" + "0, " * 19 + "0,...", "<test_long_values_are_cut_and_broken_ones_do_no_harm."
                   "<locals>.Broken, whose repr() fails>", "<object object>"], lines


def test_long_messages_of_exceptions_are_cut() -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise ZeroDivisionError

    async def fails(error: Exception) -> None:
        raise error

    async def program() -> None:
        for error in ValueError("it's " + "x" * 100), ValueError("two\nlines"), ValueError("y" * 60), Broken():
            try:
                await (await spawn(fails(error)))
            except Exception:
                pass

    ends = [line.partition("raised ")[2] for line in transcript(program(), kinds=["task"]).splitlines() if "+++ raised" in line]
    assert ends == [f"ValueError: it's {'x' * 55}... +++", "ValueError: two\\nlines +++", f"ValueError: {'y' * 60} +++",
                    "test_long_messages_of_exceptions_are_cut.<locals>.Broken: <its str() fails> +++"]


def test_a_kind_that_does_not_exist_is_refused_with_the_list_of_those_that_do() -> None:
    with pytest.raises(ValueError, match="no kind of requests 'locks'; the kinds are time, task, sync, queue, network"):
        Strace(print, kinds=["time", "locks"])


def test_what_cannot_be_written_is_reported_once_and_the_program_goes_on() -> None:
    def fail(piece: str) -> None:
        raise BrokenPipeError("nobody reads")

    reports = Reports()
    run(pool(), clock=VirtualClock(), observer=Strace(fail), exception_hook=reports)
    (message, error), = reports
    assert "the observer failed at spawn" in message and isinstance(error, BrokenPipeError)


def test_a_trace_that_begins_and_ends_in_the_middle() -> None:
    pieces: list[str] = []

    async def program() -> None:
        sleeper = await spawn(nap(), name="sleeper")
        waiter = await spawn(wait_for(sleeper), name="waiter")
        await sleep(1)
        with watch(Strace(pieces.append)):
            await sleep(2)
        await waiter

    async def nap() -> None:
        await sleep(2)
        await sleep(2)

    async def wait_for(waitable: Waitable[Any]) -> None:
        await waitable

    run(program(), clock=VirtualClock())
    assert "".join(pieces) == text("""
        1.000000 [task 2 'sleeper'] <... sleep(2) resumed> = None
        1.000000 [task 2 'sleeper'] sleep(2)""".rstrip(" "))


def test_two_traces_and_an_observer_at_once() -> None:
    class Steps(Observer):
        count = 0

        def resume(self, task: Any) -> None:
            self.count += 1

    first: list[str] = []
    second: list[str] = []
    steps = Steps()

    async def program() -> None:
        kernel = (await current_task()).kernel
        with watch(Strace(first.append)):
            await sleep(1)
            with watch(Strace(second.append), kernel):
                await sleep(2)
            await sleep(3)

    with Kernel(clock=VirtualClock(), observer=steps) as kernel:
        kernel.run(program())
    assert "".join(first).count("sleep") == 3 and "".join(second).count("sleep") == 1 and steps.count >= 5


def test_a_connection_is_named_without_its_address_when_its_answer_comes_later() -> None:
    async def greet(stream: Stream) -> None:
        await checkpoint()
        await stream.write_all(b"hello")

    async def main() -> None:
        async with await serve(greet, "127.0.0.1", 0) as server:
            async with await open_connection(*server.addresses[0][:2]) as stream:
                assert await stream.read_exactly(5) == b"hello"
    written = transcript(main())
    assert re.search(r"<\.\.\. connection\.read_exactly\(\.\.\.\) resumed> = b'hello'", written)
