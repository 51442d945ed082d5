"""What debug mode tells, held against what asyncio's own loop tells in the same program."""

from __future__ import annotations

import asyncio
import gc
import re
import sys
import threading
import time
import warnings
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

import compat

Program = Callable[[list[str]], Coroutine[Any, Any, None]]


def told(factory: Callable[[], Any], program: Program, caplog: pytest.LogCaptureFixture) -> list[str]:
    """What `program` notes, what the exception handler is told and what is logged, without addresses and figures."""
    caplog.clear()
    notes: list[str] = []

    def handler(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        notes.extend(f"{key}: {value if key != 'source_traceback' else value[-1].name}"
                     for key, value in sorted(context.items()))

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(handler)
        loop.slow_callback_duration = 0.1 if program is slow else 60.0
        await program(notes)

    with asyncio.Runner(debug=True, loop_factory=factory) as runner:
        runner.run(main())
    notes += [record.getMessage() for record in caplog.records if record.name == "asyncio"]
    # Only who made a future is told differently: the loop's own line.
    return [re.sub(r"created at \S*events\.py:\d+", "created at the loop",
                   re.sub(r"0x\w+|\d+\.\d+|Task-\d+", "N", note)) for note in notes]


async def slow(notes: list[str]) -> None:
    async def task() -> None:
        time.sleep(0.11)

    await asyncio.create_task(task(), name="slow")
    asyncio.get_running_loop().call_soon(time.sleep, 0.11)
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def lost(notes: list[str]) -> None:
    async def fail() -> None:
        raise ValueError("x")

    async def wait_for_ever() -> None:
        await asyncio.get_running_loop().create_future()

    tasks = [asyncio.create_task(fail(), name="fails"), asyncio.create_task(wait_for_ever(), name="waits")]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    while tasks:
        del tasks[0]
        gc.collect()
    asyncio.get_running_loop().create_future().set_exception(KeyError(1))
    gc.collect()


async def never_awaited(notes: list[str]) -> None:
    async def forgotten() -> None:
        pass

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        forgotten()  # type: ignore[unused-coroutine]
        gc.collect()
    lines = str(caught[0].message).splitlines()
    notes += [*lines[:2], *lines[-2:]]  # what it is, and the place, without the callers between
    assert "Coroutine created at" in lines[1]


async def wrong_thread(notes: list[str]) -> None:
    loop = asyncio.get_running_loop()

    def in_thread() -> None:
        calls: list[Callable[[], object]] = [lambda: loop.call_soon(print), lambda: loop.call_later(0, print),
                                             lambda: loop.call_at(0, print)]
        for call in calls:
            try:
                call()
            except RuntimeError as error:
                notes.append(str(error))

    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()
    assert len(notes) == 3


async def callbacks(notes: list[str]) -> None:
    loop = asyncio.get_running_loop()
    for scheduled in loop.call_soon(int, "no number"), loop.call_later(0, int, "nor this"):
        notes.append(repr(scheduled))
    await asyncio.sleep(0.001)
    try:
        loop.call_soon(callbacks, notes)
    except TypeError as error:
        notes.append(str(error))
    notes += [repr(asyncio.current_task()), repr(loop.create_future())]


told_at_once = pytest.mark.skipif(sys.flags.dev_mode, reason="in development mode it is told while it happens")


@pytest.mark.parametrize("program", [pytest.param(slow, marks=told_at_once), lost, never_awaited, wrong_thread, callbacks])
def test_debug_mode_tells_what_asyncio_tells(program: Program, caplog: pytest.LogCaptureFixture) -> None:
    expected = told(asyncio.SelectorEventLoop, program, caplog)
    assert expected
    assert told(compat.new_event_loop, program, caplog) == expected
