"""The watchdog of a shutdown: a thread that names a task which never yields, and nobody else."""

from __future__ import annotations

import logging
import re
import threading
import time
from typing import Any

import pytest

from kernel import checkpoint, run, sleep, spawn
from tests.support.coroutines import leave, sleeper
from tests.support.reports import refuse


def test_the_watchdog_names_a_task_that_never_yields() -> None:
    named = threading.Event()
    messages: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())
            named.set()

    async def spinner() -> None:
        try:
            await sleep(1000)
        finally:
            while not named.is_set():
                pass

    listener = Listener()
    logging.getLogger("kernel").addHandler(listener)
    try:
        run(leave(spinner(), name="the endless one"), grace=0.01)
    finally:
        logging.getLogger("kernel").removeHandler(listener)
    assert "the endless one" in messages[0] and "without yielding" in messages[0]
    assert re.search(rf'File "{__file__}", line \d+, in spinner', messages[0])


def no_threads(thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_a_run_needs_no_thread_to_end(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(threading.Thread, "start", no_threads)
    ended: list[str] = []

    async def left() -> None:
        try:
            await sleep(1000)
        finally:
            await checkpoint()
            ended.append("left")

    async def main(*codes: Any) -> str:
        for code in codes:
            await spawn(code)
        await checkpoint()
        return "done"

    assert run(main()) == "done" and not caplog.records  # and none is asked for where nothing is to be waited for
    with caplog.at_level(logging.WARNING):
        assert run(main(left())) == "done" and ended == ["left"]
    assert "can't start new thread" in caplog.text


def test_many_slow_steps_are_not_taken_for_one_that_does_not_end(caplog: pytest.LogCaptureFixture) -> None:
    async def slow() -> None:
        try:
            await sleep(1000)
        finally:
            time.sleep(0.05)

    async def main() -> None:
        for _ in range(30):
            await spawn(slow())
        await checkpoint()

    run(main(), grace=0.3, exception_hook=refuse)
    assert not caplog.records


def test_no_thread_is_left_of_a_shutdown() -> None:
    before = threading.active_count()
    run(leave(sleeper()))
    assert threading.active_count() == before


def test_nor_of_one_that_ctrl_c_ends_while_the_thread_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    start, started = threading.Thread.start, list[threading.Thread]()

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        started.append(thread)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(leave(sleeper()), grace=40)
    watchdog, = started
    watchdog.join(30)
    assert not watchdog.is_alive()
