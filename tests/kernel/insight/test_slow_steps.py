"""Slow steps: who holds the kernel is told of while that goes on, once a step, and nobody else."""

from __future__ import annotations

import gc
import logging
import math
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import compat
from kernel import Kernel, Observer, checkpoint, current_task, run, run_in_thread, sleep, spawn
from kernel.insight import slow_steps
from tests.support.interpreters import run_python
from tests.support.ready_queues import RandomReady

LIMIT = 0.05


class Told(logging.Handler):
    """What was logged of slow steps; a step can wait until it was told of."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []
        self._came = threading.Semaphore(0)

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())
        self._came.release()

    def block(self) -> None:
        """Block the thread until the next message."""
        assert self._came.acquire(timeout=30)

    def spin(self) -> None:
        """Compute until the next message."""
        end = time.monotonic() + 30
        while not self._came.acquire(blocking=False):
            assert time.monotonic() < end


@pytest.fixture
def told() -> Iterator[Told]:
    handler, logger = Told(), logging.getLogger("kernel")
    logger.addHandler(handler)
    slow_steps(LIMIT)
    yield handler
    slow_steps(0)
    logger.removeHandler(handler)


def guards() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "kernel slow steps"]


def said(message: str, name: str, *places: str) -> bool:
    """Whether the message says that `name` holds the kernel, in these functions of this file."""
    functions = re.findall(rf'File "{__file__}", line \d+, in (\w+)', message)
    return re.match(rf"{name} has held the kernel for over 0.05 s", message) is not None and functions == list(places)


def test_a_step_is_told_of_while_it_goes_on_and_once(told: Told) -> None:
    async def work() -> None:
        told.block()
        assert guards()
        time.sleep(4 * LIMIT)  # no second message for this
        await checkpoint()
        told.spin()

    async def main() -> None:
        await (await spawn(work(), name="worker"))

    run(main())
    assert len(told.messages) == 2 and not guards()
    assert said(told.messages[0], "task 2 'worker'", "work", "block")
    assert said(told.messages[1], "task 2 'worker'", "work", "spin")
    assert "told.block()" in told.messages[0] and "File" in told.messages[0].splitlines()[1]


def test_the_stack_begins_with_the_code_of_the_task(told: Told) -> None:
    def generator() -> Any:
        yield from inner()

    def inner() -> Any:
        yield checkpoint()
        told.block()

    async def main() -> None:
        await (await spawn(generator(), name="gen"))

    run(main())
    assert said(told.messages[0], "task 2 'gen'", "generator", "inner", "block")


def test_quick_steps_and_an_idle_kernel_are_not_told_of(told: Told) -> None:
    slow_steps(1.0)

    async def main() -> None:
        for _ in range(60):
            time.sleep(0.02)
            await checkpoint()
        await sleep(1.2)
        await run_in_thread(time.sleep, 0.1)

    run(main())
    assert told.messages == []


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts the switches to a thread as Linux does")
def test_the_guard_of_an_idle_kernel_sleeps(told: Told) -> None:
    def look() -> tuple[str, str]:
        status = Path(f"/proc/self/task/{guards()[0].native_id}/status")
        time.sleep(6 * LIMIT)  # until the guard has seen that the kernel is idle
        before = status.read_text()
        time.sleep(10 * LIMIT)
        return before, status.read_text()

    async def main() -> None:
        before, after = [re.findall(r"ctxt_switches:\s+(\d+)", text) for text in await run_in_thread(look)]
        assert before == after and len(before) == 2

    run(main())


def test_several_kernels_in_several_threads(told: Told) -> None:
    barrier = threading.Barrier(2)

    async def main(name: str) -> None:
        await (await spawn(hold(), name=name))

    async def hold() -> None:
        barrier.wait(30)
        end = time.monotonic() + 30
        while len(told.messages) < 2:
            assert time.monotonic() < end

    threads = [threading.Thread(target=run, args=(main(name),)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(told.messages) == 2
    assert all(said(message, f"task 2 '{name}'", "hold") for name, message in zip("ab", sorted(told.messages)))
    assert not guards()


@pytest.mark.parametrize("devices", [{"observer": Observer()}, {"ready": RandomReady(1)}, {}], ids=str)
def test_other_devices_do_not_mind(told: Told, devices: dict[str, Any]) -> None:
    async def main() -> None:
        for _ in range(3):
            await checkpoint()
            await (await spawn(sleep_a_little()))
        told.block()

    async def sleep_a_little() -> None:
        await sleep(0.001)

    run(main(), **devices)
    assert said(told.messages[0], "task 1 '.*main'", "main", "block")


def test_tasks_and_callbacks_of_an_event_loop(told: Told) -> None:
    async def main() -> None:
        told.block()
        await compat.sleep(0)
        compat.get_running_loop().call_soon(told.block)
        await compat.sleep(0.01)

    compat.run(main())
    assert said(told.messages[0], r"task 1 'Task-\d+'", "main", "block")
    assert said(told.messages[1], "a callback", "block")
    assert not guards()


def test_in_debug_mode_an_event_loop_does_not_say_it_again(told: Told, caplog: pytest.LogCaptureFixture) -> None:
    async def main(slow: float) -> None:
        loop = compat.get_running_loop()
        loop.slow_callback_duration = slow
        told.block()
        await compat.sleep(0)
        loop.slow_callback_duration = 0
        await compat.sleep(0)

    compat.run(main(0.0001), debug=True)
    seconds = [float(took) for took in re.findall(r"took (\S+) seconds", caplog.text)]
    assert len(told.messages) == 1 and seconds and max(seconds) < LIMIT


def test_a_running_kernel_begins_and_ends_to_be_watched(told: Told) -> None:
    slow_steps(0)

    async def main() -> None:
        time.sleep(2 * LIMIT)
        await checkpoint()
        assert told.messages == [] and not guards()
        slow_steps(LIMIT)
        slow_steps(LIMIT)  # twice is as once
        await checkpoint()
        told.block()
        slow_steps(math.inf)
        await checkpoint()
        time.sleep(2 * LIMIT)
        await checkpoint()
        assert not guards()
        slow_steps(LIMIT)
        await checkpoint()
        told.block()

    run(main())
    assert len(told.messages) == 2

    async def program() -> None:
        slow_steps(LIMIT)
        await compat.sleep(0)
        told.block()

    slow_steps(0)
    compat.run(program())
    assert len(told.messages) == 3 and not guards()


def test_a_kernel_that_is_thrown_away_takes_its_guard_along(told: Told) -> None:
    kernel = Kernel()
    kernel.run(current())
    thread, = guards()
    del kernel
    gc.collect()
    thread.join(30)
    assert not thread.is_alive()


async def current() -> None:
    await current_task()


def test_without_a_thread_the_kernel_runs_all_the_same(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)

    async def main() -> int:
        for _ in range(3):
            time.sleep(LIMIT)
            await checkpoint()
        return 7

    assert run(main()) == 7


@pytest.mark.parametrize(("wrong", "error"), [(-1, ValueError), (math.nan, ValueError), ("1", TypeError),
                                              (None, TypeError)])
def test_what_is_no_number_of_seconds_is_refused(wrong: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"slow_steps\(\)"):
        slow_steps(wrong)


PROGRAM = """
import os, sys, threading, time
from kernel import checkpoint, run, spawn

async def work():
    time.sleep(0.4)

async def main():
    child = os.fork()
    await checkpoint()
    if not child:
        time.sleep(0.4)
        await checkpoint()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    await checkpoint()
    await (await spawn(work(), name="worker"))

run(main())
"""


def test_development_mode_tells_of_slow_steps_also_after_a_fork(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    outcome = run_python("-X", "dev", "-W", "error::DeprecationWarning", "program.py", cwd=tmp_path)
    names = re.findall(r"^(task .*) has held the kernel for over 0.1 s", outcome.err, re.M)
    # The child's step; the parent's, which waits for that; and the worker's.
    assert outcome.status == 0 and sorted(names) == ["task 1 'main'", "task 1 'main'", "task 2 'worker'"], outcome.err
    assert re.search(r'program.py", line 6, in work\n    time.sleep\(0.4\)', outcome.err)
    assert run_python("program.py", cwd=tmp_path).err.count("has held") == 0
