"""Signals as things to wait for."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Generator
from signal import SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2
from typing import Any

import pytest

from kernel import Cancelled, Deadlock, Event, TaskGroup, catch_signals, checkpoint, run, sleep, spawn, timeout
from kernel.host.signals import Signals
from tests.support.injection import Injection, cancel_at_every_suspension
from tests.support.interpreters import ended, next_line, started_python

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="these are the signals of POSIX")


def send(number: int) -> None:
    os.kill(os.getpid(), number)


def state() -> list[Any]:
    """The process's handlers, and its wakeup descriptor."""
    wakeup_fd = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(wakeup_fd)
    return [signal.getsignal(number) for number in (SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2)] + [wakeup_fd]


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Generator[None, None, None]:
    before = state()
    yield
    assert state() == before


def test_signals_come_one_by_one_in_order() -> None:
    async def main() -> list[int]:
        got = list[int]()
        async with catch_signals(SIGUSR1, SIGUSR2) as signals:
            for number in SIGUSR1, SIGUSR2, SIGUSR1:
                send(number)
                await checkpoint()
            async for number in signals:
                got.append(number)
                if len(got) == 3:
                    break
            assert repr(signals) == "SIGUSR1, SIGUSR2"
        return got

    assert run(main()) == [SIGUSR1, SIGUSR2, SIGUSR1]


def test_a_signal_wakes_a_kernel_that_sleeps() -> None:
    async def main() -> None:
        async with catch_signals(SIGTERM) as signals:
            timer = threading.Timer(0.05, send, (SIGTERM,))
            timer.start()
            assert await signals.get() is SIGTERM  # with nothing else to wait for, and no Deadlock
            timer.join()

    run(main())


def test_a_kernel_wakes_for_a_signal_where_the_program_handles_ctrl_c_itself() -> None:
    previous = signal.signal(SIGINT, signal.SIG_IGN)  # the kernel then sets up nothing of its own
    try:
        test_a_signal_wakes_a_kernel_that_sleeps()
    finally:
        signal.signal(SIGINT, previous)


def test_blocks_that_overlap_each_get_the_signal() -> None:
    async def main() -> None:
        first_in, second_in, first_out = Event(), Event(), Event()

        async def first() -> None:
            async with catch_signals(SIGUSR1) as signals:
                first_in.set()
                await second_in.wait()
                send(SIGUSR1)
                assert await signals.get() == SIGUSR1
            first_out.set()

        async def second() -> None:
            await first_in.wait()
            async with catch_signals(SIGUSR1, SIGUSR2) as signals:
                second_in.set()
                assert await signals.get() == SIGUSR1
                await first_out.wait()
                send(SIGUSR1)  # the handler is still ours
                assert await signals.get() == SIGUSR1

        async with timeout(30), TaskGroup() as group:
            await group.spawn(first())
            await group.spawn(second())

    run(main())


def test_ctrl_c_can_be_caught_and_works_again_afterwards() -> None:
    async def main() -> None:
        async with catch_signals(SIGINT) as signals:
            send(SIGINT)
            assert await signals.get() == SIGINT
        send(SIGINT)
        await sleep(30)

    with pytest.raises(KeyboardInterrupt):
        run(main())


def test_the_end_of_the_block_ends_the_iteration() -> None:
    async def main() -> None:
        got = list[int]()
        signals: Signals = catch_signals(SIGUSR1)

        async def reader() -> None:
            async for number in signals:
                got.append(number)

        async def getter() -> int:
            return await signals.get()

        async with signals:
            task, other = await spawn(reader()), await spawn(getter())
            await checkpoint()
            send(SIGUSR1)
            await sleep(0.001)
        await task
        with pytest.raises(RuntimeError, match="SIGUSR1 are not caught any more"):
            await other
        assert got == [SIGUSR1]
        with pytest.raises(RuntimeError, match="not caught"):
            await signals.get()
        with pytest.raises(RuntimeError, match="cannot be entered twice"):
            async with signals:
                pass

    run(main())


def test_only_a_task_that_waits_for_a_signal_is_not_deadlocked() -> None:
    async def main() -> None:
        async with catch_signals(SIGUSR1):
            await Event().wait()

    with pytest.raises(Deadlock):
        run(main())


def test_what_cannot_be_caught_is_refused() -> None:
    with pytest.raises(ValueError):
        catch_signals(99999)
    with pytest.raises(ValueError, match="at least one"):
        catch_signals()

    async def main() -> None:
        with pytest.raises(OSError):
            async with catch_signals(SIGUSR1, signal.SIGKILL):
                pass
        assert signal.getsignal(SIGUSR1) == signal.SIG_DFL

    run(main())

    async def elsewhere() -> None:
        with pytest.raises(RuntimeError, match="only in the main thread"):
            async with catch_signals(SIGUSR1):
                pass

    errors: list[BaseException] = []

    def target() -> None:
        try:
            run(elsewhere())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=target)
    thread.start()
    thread.join(30)
    assert errors == []


def test_generator_tasks_take_signals_by_yield() -> None:
    def reader(signals: Signals) -> Generator[Any, Any, list[int]]:
        first = yield signals.get()
        second = yield from signals.get()
        return [first, second]

    async def main() -> None:
        async with catch_signals(SIGUSR1) as signals:
            task = await spawn(reader(signals))
            for _ in range(2):
                send(SIGUSR1)
                await checkpoint()
            assert await task == [SIGUSR1, SIGUSR1]

    run(main())


def test_no_cancellation_takes_a_signal_or_the_handler_along() -> None:
    async def scenario(injection: Injection) -> None:
        got = list[int]()

        async def reader(signals: Signals) -> None:
            async for number in signals:
                got.append(number)

        async def catcher() -> None:
            async with catch_signals(SIGUSR2) as signals:
                await checkpoint()
                await signals.get()

        async with catch_signals(SIGUSR1) as signals:
            tasks = [await spawn(reader(signals)), await spawn(reader(signals)), await spawn(catcher())]
            injection.watch(*tasks)
            for number in SIGUSR1, SIGUSR1:
                await sleep(0.001)
                send(number)
            if not tasks[2].done() and signal.getsignal(SIGUSR2) != signal.SIG_DFL:
                send(SIGUSR2)
            await sleep(0.001)
            assert got == [SIGUSR1, SIGUSR1]
        for task in tasks:
            try:
                await task
            except Cancelled:
                assert injection.fired
        assert signal.getsignal(SIGUSR2) == signal.SIG_DFL

    assert cancel_at_every_suspension(scenario) >= 6


def test_a_service_that_reloads_and_stops_on_signals() -> None:
    with started_python("-c", SERVICE) as process:
        assert next_line(process) == "ready"
        for _ in range(2):
            process.send_signal(SIGHUP)
            assert next_line(process) == "reload"
        process.send_signal(SIGTERM)
        assert ended(process) == (0, "stop\n", "")


SERVICE = """
from signal import SIGHUP, SIGTERM
from kernel import catch_signals, run

async def main():
    async with catch_signals(SIGTERM, SIGHUP) as signals:
        print("ready", flush=True)
        async for number in signals:
            if number == SIGTERM:
                print("stop", flush=True)
                break
            print("reload", flush=True)

run(main())
"""


def test_a_signal_that_is_named_twice_comes_once() -> None:
    async def main() -> None:
        async with catch_signals(signal.SIGUSR1, signal.SIGUSR1) as signals:
            os.kill(os.getpid(), signal.SIGUSR1)
            assert await signals.get() == signal.SIGUSR1
            with pytest.raises(TimeoutError):
                async with timeout(0.01):
                    await signals.get()

    run(main())


def test_signals_of_another_kernel_cannot_be_waited_for() -> None:
    """That kernel would wake the task in the wrong thread."""
    errors: list[str] = []

    def other(signals: Signals) -> None:
        async def main() -> None:
            await signals.get()

        with pytest.raises(RuntimeError) as caught:
            run(main())
        errors.append(str(caught.value))

    async def main() -> None:
        async with catch_signals(signal.SIGUSR1) as signals:
            waiter = await spawn(signals.get().__await__())
            thread = threading.Thread(target=other, args=(signals,))
            thread.start()
            while thread.is_alive():
                await sleep(0.001)
            os.kill(os.getpid(), signal.SIGUSR1)
            assert await waiter == signal.SIGUSR1

    run(main())
    assert len(errors) == 1 and "another kernel catches" in errors[0]
