"""A task that is given up at shutdown, while it waits for a thread that it may not leave, is shielded no more."""

from __future__ import annotations

import threading

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
