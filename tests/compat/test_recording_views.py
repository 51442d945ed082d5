"""Recordings of asyncio programs as text and as a timeline."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import compat
import kernel
from tests.compat.loops import run
from tests.support.timelines import timeline_of
from tests.support.transcripts import recorded_call, traced_and_recorded


async def workers() -> None:
    """Locks, queues and task groups of asyncio's, a future, and a native request in between."""
    queue: asyncio.Queue[int] = asyncio.Queue()
    lock = asyncio.Lock()
    async with asyncio.TaskGroup() as group:
        for name in "ab":
            group.create_task(work(queue, lock), name=name)
        for job in 1, 2, 0, 0:
            await asyncio.sleep(0)
            await queue.put(job)
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.25, future.set_result, 7)
    assert await future == 7
    await kernel.sleep(0.5)
    await asyncio.gather(asyncio.sleep(1), asyncio.sleep(2))


async def work(queue: asyncio.Queue[int], lock: asyncio.Lock) -> None:
    while job := await queue.get():
        async with lock:
            await asyncio.sleep(job)


async def failing() -> None:
    """Timeouts, cancellations and exceptions."""
    async def fail() -> None:
        await asyncio.sleep(0.5)
        raise ValueError("a value")

    task = asyncio.create_task(fail(), name="fail")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(task), 0.25)
    with pytest.raises(ValueError):
        await task
    sleeper = asyncio.create_task(asyncio.sleep(10), name="sleeper")
    await asyncio.sleep(0)
    sleeper.cancel()
    await asyncio.wait([sleeper])
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await asyncio.Event().wait()


@pytest.mark.parametrize("options", [{}, {"kinds": ["time", "queue"], "durations": True},
                                     {"task": "b", "relative": True}], ids=str)
@pytest.mark.parametrize("program", [workers, failing])
def test_the_text_is_what_strace_writes(program: Any, options: dict[str, Any], tmp_path: Path) -> None:
    traced, text = traced_and_recorded(lambda strace: run(program(), clock=kernel.VirtualClock(), observer=strace),
                                       tmp_path, **options)
    assert without_births(traced) == without_births(text) and (text or "task" in options)


def without_births(text: str) -> str:
    """The text without the lines that say that a task was made.

    A recording also knows who made those that come after the main task. Before Python 3.12 asyncio names a task after it
    has made it, when strace has written the line.
    """
    return "".join(line for line in text.splitlines(True) if "+++ made" not in line)


def test_the_timeline_of_a_virtual_clock(tmp_path: Path) -> None:
    timeline = timeline_of(recorded_call(lambda: run(workers(), clock=kernel.VirtualClock()), tmp_path))
    assert list(timeline.processes.values()) == ["asyncio kernel"]
    main, first, second, *_ = timeline.rows
    assert [wait.name for wait in timeline.waits(second)] == ["Queue.get()", "Lock.__aenter__()", "sleep(2)"]
    assert timeline.waits(second)[1].args["ended by"] == "task 2 'a'"
    assert timeline.waits(second)[1].args["by the kernel's clock"] == "1.000000 s"
    assert any(arrow[0] == first and arrow[2] == second for arrow in timeline.arrows)


def test_a_task_that_a_callback_makes_is_below_the_task_that_asked_for_the_callback(tmp_path: Path) -> None:
    async def main() -> None:
        made = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(lambda: made.set_result(asyncio.create_task(asyncio.sleep(1), name="child")))
        await (await made)

    timeline = timeline_of(recorded_call(lambda: run(main(), clock=kernel.VirtualClock()), tmp_path))
    assert timeline.rows[1].startswith("└─ child (")


def test_the_timeline_of_a_server_and_its_client(tmp_path: Path) -> None:
    async def main() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readline())
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"hello\n")
            assert await reader.readline() == b"hello\n"
            writer.close()

    timeline = timeline_of(recorded_call(lambda: compat.run(main()), tmp_path))
    waits = [wait for row in timeline.rows for wait in timeline.waits(row)]
    reads = [wait.args["ended by"] for wait in waits if wait.name.startswith("StreamReader.readline(")]
    assert len(reads) == 2 and all(cause.startswith("descriptor ") for cause in reads)
    assert "descriptors watched" in timeline.counters
