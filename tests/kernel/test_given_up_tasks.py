"""Tasks that a shutdown gives up: their code is closed as their own, and nothing wrong is told of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kernel import Cancelled, Condition, Lock, RLock, VirtualClock, checkpoint, current_task, run, sleep, spawn


async def hold(lock: Lock | Condition, ended: list[str]) -> None:
    me = await current_task()
    async with lock:
        try:
            while True:
                try:
                    await (lock.wait() if isinstance(lock, Condition) else sleep(1000))
                except Cancelled:
                    pass
        finally:
            ended.append(me.state)


@pytest.mark.parametrize("make", [Lock, RLock, Condition])
def test_a_task_that_is_given_up_lets_go_of_its_locks(make: Callable[[], Lock | Condition]) -> None:
    reports: list[str] = []
    ended: list[str] = []
    lock = make()

    async def main() -> None:
        for name in "first", "second":
            await spawn(hold(lock, ended), name=name)
        await checkpoint()

    run(main(), clock=VirtualClock(), grace=1, exception_hook=lambda message, error: reports.append(repr(error)))
    assert not lock.locked() and set(ended) == {"running"}
    assert reports and all(report.startswith("TimeoutError") for report in reports), reports
