"""Calls into a kernel from other threads: none is lost, and each thread's keep their order."""

from __future__ import annotations

import threading

import pytest

from kernel import Kernel, VirtualClock, Waitable, checkpoint, current_task, run, sleep
from tests.support.reports import Reports, refuse

pytestmark = pytest.mark.usefixtures("no_thread_is_left", "nothing_in_the_log")

LONG = 30.0  # seconds that a thread waits at most: nothing comes near, unless it hangs


def test_a_storm_of_calls_from_threads_loses_none_and_keeps_the_order_of_each() -> None:
    threads, each = 8, 12_500
    log: list[tuple[int, int]] = []

    async def main() -> None:
        kernel = (await current_task()).kernel
        done: Waitable[None] = Waitable()
        ident = threading.get_ident()

        def note(thread: int, number: int) -> None:
            assert threading.get_ident() == ident
            log.append((thread, number))
            if len(log) == threads * each:
                done.complete(None)

        def storm(thread: int) -> None:
            start.wait()
            for number in range(each):
                kernel.call_from_thread(note, thread, number)

        start = threading.Barrier(threads, timeout=LONG)
        workers = [threading.Thread(target=storm, args=(thread,)) for thread in range(threads)]
        with kernel.expect_calls():
            for worker in workers:
                worker.start()
            await done
        for worker in workers:
            worker.join()

    run(main(), exception_hook=refuse)
    assert len(log) == threads * each
    for thread in range(threads):
        assert [number for who, number in log if who == thread] == list(range(each))


def test_every_single_call_wakes_a_kernel_that_is_asleep() -> None:
    rounds = 2000

    async def main() -> None:
        kernel = (await current_task()).kernel
        inbox: list[Waitable[int]] = [Waitable() for _ in range(rounds)]
        turn = threading.Semaphore(0)

        def caller() -> None:
            for number in range(rounds):
                assert turn.acquire(timeout=LONG)
                kernel.call_from_thread(inbox[number].complete, number)

        worker = threading.Thread(target=caller)
        with kernel.expect_calls():
            worker.start()
            for number in range(rounds):
                turn.release()
                assert await inbox[number] == number  # hangs if a wake-up is lost on the way to sleep
        worker.join()

    run(main())


def test_a_call_comes_through_while_tasks_are_busy() -> None:
    async def main() -> None:
        kernel = (await current_task()).kernel
        arrived = threading.Event()
        worker = threading.Thread(target=kernel.call_from_thread, args=(arrived.set,))
        worker.start()
        while not arrived.is_set():
            await checkpoint()
        worker.join()

    run(main())


def test_calls_made_by_the_kernels_own_thread_keep_their_order() -> None:
    log: list[int] = []

    async def main() -> None:
        kernel = (await current_task()).kernel
        for number in range(100):
            kernel.call_from_thread(log.append, number)
        await sleep(1)

    run(main(), clock=VirtualClock())
    assert log == list(range(100))


def test_an_exception_in_a_call_is_reported_and_the_kernel_lives() -> None:
    reports = Reports()

    def broken() -> None:
        raise LookupError("in the callback")

    async def main() -> str:
        kernel = (await current_task()).kernel
        kernel.call_from_thread(broken)
        await sleep(1)
        return "lives"

    assert run(main(), clock=VirtualClock(), exception_hook=reports) == "lives"
    (message, error), = reports
    assert "broken" in message and isinstance(error, LookupError)


def test_calls_brought_at_the_last_moment_are_made_when_the_kernel_closes() -> None:
    log: list[str] = []

    async def main() -> None:
        kernel = (await current_task()).kernel
        kernel.call_from_thread(log.append, "last")

    run(main())
    assert log == ["last"]


def test_a_call_made_by_the_last_call_is_made_or_refused() -> None:
    log: list[str] = []
    kernel = Kernel()

    def again() -> None:
        log.append("first")
        try:
            kernel.call_from_thread(log.append, "second")
        except RuntimeError:
            log.append("second")

    kernel.call_from_thread(again)
    kernel.close()
    assert log == ["first", "second"]
