"""The close of a kernel: everything is given back, and nothing can be begun after it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from kernel import Kernel, Waitable, checkpoint, sleep, spawn
from kernel.lifecycle import running_kernel
from tests.support.coroutines import sleeper
from tests.support.process_state import process_state
from tests.support.reports import Reports, refuse

pytestmark = pytest.mark.usefixtures("nothing_in_the_log")

log: list[str] = []


@contextmanager
def sound(kernel: Kernel) -> Iterator[str]:
    try:
        yield "sound"
    finally:
        log.append("sound is released")


@contextmanager
def broken(kernel: Kernel) -> Iterator[str]:
    yield "broken"
    raise KeyboardInterrupt  # as when Ctrl-C comes while threads are being waited for


def test_a_release_that_is_interrupted_keeps_nothing_else_from_being_released() -> None:
    log.clear()
    reports = Reports()
    kernel = Kernel(exception_hook=reports)
    wakeup = kernel.poller.wakeup_fd()
    assert wakeup >= 0

    async def failing() -> None:
        raise LookupError

    async def main() -> None:
        kernel.resource(sound)
        kernel.resource(broken)
        kept.append(await spawn(failing()))
        await checkpoint()

    kept: list[Waitable[None]] = []
    kernel.run(main())
    with pytest.raises(KeyboardInterrupt):
        kernel.close()
    assert log == ["sound is released"] and len(reports) == 1
    assert kernel.poller.wakeup_fd() == -1  # it is closed
    kernel.close()  # harmless
    for use in (lambda: kernel.call_from_thread(int), lambda: kernel.spawn(main()), lambda: kernel.run(main()),
                lambda: kernel.resource(sound)):
        with pytest.raises(RuntimeError, match="kernel is closed"):
            use()
    assert running_kernel() is None


@pytest.mark.timeout(3)
def test_a_kernel_that_never_ran_closes_cleanly(recwarn: pytest.WarningsRecorder) -> None:
    trace: list[str] = []

    async def loop() -> None:
        trace.append("started")
        while True:
            await checkpoint()

    gc.collect()
    before = process_state()
    kernel = Kernel(exception_hook=refuse)
    task = kernel.spawn(loop())
    kernel.close()
    assert task.cancelled() and trace == []
    del task
    gc.collect()
    assert process_state() == before
    assert [str(warning.message) for warning in recwarn] == []


@pytest.mark.timeout(3)
def test_what_a_last_call_spawns_is_ended() -> None:
    trace: list[str] = []

    async def loop() -> None:
        while True:
            await checkpoint()

    async def ends() -> None:
        try:
            await sleep(1000)
        finally:
            trace.append("ended")

    for body in ends, loop:
        reports = Reports()
        kernel = Kernel(exception_hook=reports)
        kernel.call_from_thread(kernel.spawn, body())
        kernel.close()
        assert not kernel.tasks
        assert "the kernel is closed" in str(reports[0][1]) and len(reports) == 1  # it was refused, and is reported
    assert trace == []


@pytest.mark.usefixtures("no_warnings")
def test_a_closed_kernel_runs_nothing() -> None:
    kernel = Kernel()
    kernel.close()
    kernel.close()  # twice is as good as once
    with pytest.raises(RuntimeError, match="closed"):
        kernel.run(sleeper())
    with pytest.raises(RuntimeError, match="closed"):
        kernel.call_from_thread(print)
    code = sleeper()
    with pytest.raises(RuntimeError, match="closed"):
        try:
            kernel.spawn(code)
        finally:
            code.close()


def test_a_task_that_ends_after_main_cannot_close_its_kernel() -> None:
    refusals: list[str] = []

    async def late(kernel: Kernel) -> None:
        try:
            await sleep(1000)
        finally:
            try:
                kernel.close()
            except RuntimeError as error:
                refusals.append(str(error))
            await checkpoint()
            refusals.append("ended")

    with Kernel() as kernel:
        async def main() -> None:
            await spawn(late(kernel))
            await checkpoint()

        kernel.run(main())
    assert len(refusals) == 2 and refusals[-1] == "ended"
