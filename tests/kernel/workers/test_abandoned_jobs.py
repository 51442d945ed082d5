"""Functions in threads that go on when the kernel has given up their tasks, or is closed."""

from __future__ import annotations

import threading

import pytest

from kernel import Kernel, Task, checkpoint, run_in_thread, spawn


def test_a_task_that_is_given_up_while_it_waits_for_a_thread_is_shielded_no_more() -> None:
    tasks, blocker = list[Task[None]](), threading.Event()

    async def wait() -> None:
        await run_in_thread(blocker.wait, abandon=False)

    async def main() -> None:
        tasks.append(await spawn(wait()))
        await checkpoint()

    emergency = threading.Timer(10, blocker.set)  # should the shutdown wait for the thread after all
    emergency.start()
    with Kernel(grace=0.05, exception_hook=lambda message, error: None) as kernel:
        kernel.run(main())
        blocker.set()
    emergency.cancel()
    task, = tasks
    assert task.cancelled() and task.shields == 0


def test_a_function_may_end_after_a_close_that_ctrl_c_has_cut_short(caplog: pytest.LogCaptureFixture) -> None:
    threads, blocker = list[threading.Thread](), threading.Event()

    def block() -> None:
        threads.append(threading.current_thread())
        blocker.wait(10)

    async def wait() -> None:
        await run_in_thread(block)

    async def main() -> None:
        await spawn(wait())
        await checkpoint()

    def hook(message: str, error: BaseException) -> None:
        assert "threads are at work on" in message
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        with Kernel(grace=0.05, exception_hook=hook) as kernel:
            kernel.run(main())
    blocker.set()
    for thread in threads:
        thread.join()
    assert len(threads) == 1 and caplog.text == ""
