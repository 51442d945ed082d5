"""Insight into asyncio programs: strace, causes and explanations, by the calls that the program makes."""

from __future__ import annotations

import asyncio
import textwrap
import threading
from contextvars import Context
from typing import Any, cast

import kernel
from compat.events import EventLoop
from kernel.insight import Recorder, Strace, Summary, explain, watch, why


def run(main: Any, observer: kernel.Observer | None = None) -> Any:
    with asyncio.Runner(loop_factory=lambda: EventLoop(clock=kernel.VirtualClock(), observer=observer)) as runner:
        return runner.run(main)


def text(lines: str) -> str:
    return textwrap.dedent(lines).removeprefix("\n")


async def producer(queue: asyncio.Queue[int]) -> str:
    await asyncio.sleep(0.25)
    await queue.put(1)
    return "done"


async def consumer(queue: asyncio.Queue[int], lock: asyncio.Lock) -> None:
    async with lock:
        await queue.get()
    await asyncio.sleep(1)


async def failing() -> None:
    await asyncio.sleep(0.5)
    raise ValueError("a value")


async def program() -> None:
    queue: asyncio.Queue[int] = asyncio.Queue()
    lock = asyncio.Lock()
    tasks = [asyncio.get_running_loop().create_task(code, name=name) for code, name in (
        (producer(queue), "producer"), (consumer(queue, lock), "consumer"), (failing(), "failing"))]
    await asyncio.sleep(0.125)
    async with lock:
        pass
    try:
        await tasks[2]
    except ValueError:
        pass
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.25, future.set_result, 7)
    assert await future == 7
    await asyncio.sleep(0)
    await kernel.sleep(0.5)
    await asyncio.wait(tasks)


def test_the_calls_of_a_program() -> None:
    pieces: list[str] = []

    async def main() -> None:
        current: Any = asyncio.current_task()
        current.set_name("main")
        with watch(Strace(pieces.append)):
            await asyncio.get_running_loop().create_task(program(), name="program")

    run(main())
    lines = [line for line in "".join(pieces).splitlines(True) if "'main'" not in line.partition("]")[0]]
    assert "".join(lines) == text("""
        0.000000 [task 2 'program'] +++ made by task 1 'main' +++
        0.000000 [task 3 'producer'] +++ made by task 2 'program' +++
        0.000000 [task 4 'consumer'] +++ made by task 2 'program' +++
        0.000000 [task 5 'failing'] +++ made by task 2 'program' +++
        0.000000 [task 2 'program'] sleep(0.125) <unfinished ...>
        0.000000 [task 3 'producer'] sleep(0.25) <unfinished ...>
        0.000000 [task 4 'consumer'] Queue.get() <unfinished ...>
        0.000000 [task 5 'failing'] sleep(0.5) <unfinished ...>
        0.125000 [task 2 'program'] <... sleep(0.125) resumed> = ... <0.125000s>
        0.125000 [task 2 'program'] Lock.__aenter__() <unfinished ...>
        0.250000 [task 3 'producer'] <... sleep(0.25) resumed> = ... <0.250000s>
        0.250000 [task 3 'producer'] +++ returned 'done' +++
        0.250000 [task 4 'consumer'] <... Queue.get() resumed> = ... <0.250000s>
        0.250000 [task 4 'consumer'] sleep(1) <unfinished ...>
        0.250000 [task 2 'program'] <... Lock.__aenter__() resumed> = ... <0.125000s>
        0.250000 [task 2 'program'] wait(task 5 'failing') <unfinished ...>
        0.500000 [task 5 'failing'] <... sleep(0.5) resumed> = ... <0.500000s>
        0.500000 [task 5 'failing'] +++ raised ValueError: a value +++
        0.500000 [task 2 'program'] <... wait(task 5 'failing') resumed> = ! ValueError: a value <0.250000s>
        0.500000 [task 2 'program'] <Future> = 7 <0.250000s>
        0.750000 [task 2 'program'] checkpoint() = None
        0.750000 [task 2 'program'] sleep(0.5) = None <0.500000s>
        1.250000 [task 2 'program'] wait({<task 3 'producer'>, <task 4 'consumer'>, <task 5 'failing'>}) <unfinished ...>
        1.250000 [task 4 'consumer'] <... sleep(1) resumed> = ... <1.000000s>
        1.250000 [task 4 'consumer'] +++ returned +++
        1.250000 [task 2 'program'] <... wait({<task 3 'producer'>, <task 4 'consumer'>, <task 5 'failing'>}) resumed> = ...
        1.250000 [task 2 'program'] +++ returned +++
        """)


def test_who_has_ended_a_wait() -> None:
    recorder = Recorder()
    run(program(), recorder)
    events = list(recorder.events())
    main = events[0].task.name
    assert [(event.task.name, event.text, str(event.cause)) for event in events if event.kind == "wake"] == [
        (main, 'sleep(0.125)', 'a timer'),
        ('producer', 'sleep(0.25)', 'a timer'),
        ('consumer', 'Queue.get()', "task 2 'producer'"),
        (main, 'Lock.__aenter__()', "task 3 'consumer'"),
        ('failing', 'sleep(0.5)', 'a timer'),
        (main, "wait(task 4 'failing')", "task 4 'failing'"),
        (main, '<Future>', 'a timer, calling Future.set_result'),
        (main, 'sleep(0.5)', 'a timer'),
        ('consumer', 'sleep(1)', 'a timer'),
        (main, "wait({<task 2 'producer'>, <task 3 'consumer'>, <task 4 'failing'>})", "task 3 'consumer'")]


def test_another_thread_that_has_ended_a_wait() -> None:
    recorder = Recorder()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        thread = threading.Thread(target=loop.call_soon_threadsafe, args=(future.set_result, None))
        thread.start()
        thread.join()  # it has called while this task was running
        await future

    run(main(), recorder)
    causes = [str(event.cause) for event in recorder.events() if event.text == "<Future>"]
    assert causes == ["another thread, calling Future.set_result"]


def test_a_task_is_called_by_the_name_that_it_had_last() -> None:
    recorder, summary = Recorder(), Summary()

    async def main() -> None:
        task = asyncio.create_task(asyncio.sleep(1))
        task.set_name("named later")
        await task

    with asyncio.Runner(loop_factory=lambda: EventLoop(clock=kernel.VirtualClock(), observer=recorder)) as runner:
        watching = watch(summary, cast("EventLoop", runner.get_loop()).kernel)
        runner.run(main())
        watching.stop()
    assert [event.kind for event in recorder.events() if event.task.name == "named later"] == [
        "spawn", "request", "wake", "exit"]
    assert " named later\n" in summary.text()


def test_why_a_task_took_so_long() -> None:
    async def main() -> str:
        queue: asyncio.Queue[int] = asyncio.Queue()
        asyncio.create_task(producer(queue), name="producer")
        task: Any = asyncio.create_task(consumer(queue, asyncio.Lock()), name="consumer")
        await task
        return explain(why(task))

    assert run(main(), Recorder()) == text("""
        task 3 'consumer', 1.250000s:
          0.250000s waited for Queue.get(), until task 2 'producer' woke it
            0.250000s task 2 'producer' waited for sleep(0.25), until a timer woke it
          1.000000s waited for sleep(1), until a timer woke it
        """)


def test_the_summary_counts_by_what_the_program_calls() -> None:
    summary = Summary()
    run(program(), summary)
    requests = {line.split()[-1]: line.split()[3] for line in summary.text().split("\n\n")[0].splitlines()[1:]}
    assert requests == {"sleep": "5", "wait": "2", "Queue.get": "1", "<Future>": "1", "Lock.__aenter__": "1",
                        "checkpoint": "1", "total": "11"}


def test_the_last_observer_leaves_no_trace() -> None:
    async def main() -> None:
        loop: Any = asyncio.get_running_loop()
        task: Any = asyncio.current_task()
        before = [loop.kernel.ready, loop._ready, loop.kernel.unchecked, loop.kernel.tap]
        with watch(Recorder()), watch(Strace(len)):
            await asyncio.sleep(1)
            assert loop._ready is not before[1]
        assert [loop.kernel.ready, loop._ready, loop.kernel.unchecked, loop.kernel.tap] == before
        assert all(now is then for now, then in zip([loop.kernel.ready, loop._ready], before))
        assert type(task.context) is Context
        await asyncio.sleep(1)

    run(main())


def test_a_watched_program_runs_as_an_unwatched_one() -> None:
    async def main() -> list[Any]:
        log: list[Any] = []

        async def step(name: str, count: int) -> None:
            for number in range(count):
                log.append((name, number))
                await asyncio.sleep(0)
            asyncio.get_running_loop().call_soon(log.append, name)

        async with asyncio.TaskGroup() as group:
            for name in "abc":
                group.create_task(step(name, 5))
        await asyncio.sleep(0)
        log.append(await asyncio.gather(failing(), asyncio.sleep(1, "slept"), return_exceptions=True))
        return [repr(entry) for entry in log]

    plain = run(main())
    for observer in Recorder(), Recorder(slow=5), Summary(), Strace(len):
        assert run(main(), observer) == plain


def test_tasks_that_asyncio_has_named_share_a_row() -> None:
    summary = Summary()

    async def main() -> None:
        await asyncio.gather(failing(), failing(), asyncio.sleep(1), return_exceptions=True)

    run(main(), summary)
    rows = [line.split() for line in summary.text().split("\n\n")[1].splitlines()]
    assert [row[3] for row in rows if row[-1] == "failing"] == ["2"] and not any(row[-1].startswith("Task-") for row in rows)


def test_what_fails_and_what_is_cancelled_counts_as_an_error() -> None:
    summary = Summary()

    async def main() -> None:
        task = asyncio.create_task(failing())
        other = asyncio.create_task(asyncio.sleep(9))
        await asyncio.sleep(0)
        other.cancel()
        await asyncio.wait([other])
        try:
            await task
        except ValueError:
            pass

    run(main(), summary)
    errors = {line.split()[-1]: line.split()[4] for line in summary.text().split("\n\n")[0].splitlines()[1:]
              if len(line.split()) == 6}
    assert errors == {"sleep": "1", "wait": "1", "total": "2"}
