"""Waitables: completed once, for all who wait."""

from __future__ import annotations

from typing import Any

import pytest

from kernel import Task, VirtualClock, Waitable, checkpoint, run, sleep, spawn
from tests.support.styles import Ask, each_style


@each_style
def test_a_waitable_is_a_mailbox_between_tasks(ask: Ask) -> None:
    async def main() -> None:
        full: Waitable[str] = Waitable()
        broken: Waitable[str] = Waitable()
        reader: Task[Any] = await spawn(ask(lambda: full))
        unlucky: Task[Any] = await spawn(ask(lambda: broken))
        await checkpoint()
        assert reader.state == unlucky.state == "blocked" and not full.done()
        full.complete("mail")
        broken.fail(LookupError("lost"))
        assert await reader == "mail" == full.result()
        with pytest.raises(LookupError, match="lost"):
            await unlucky

    run(main())


def test_all_who_wait_for_a_waitable_are_woken_in_the_order_they_came() -> None:
    woken: list[int] = []

    async def waiter(number: int, mailbox: Waitable[None]) -> None:
        await mailbox
        woken.append(number)

    async def main() -> None:
        mailbox: Waitable[None] = Waitable()
        tasks = [await spawn(waiter(number, mailbox)) for number in range(100)]
        await checkpoint()
        for task in tasks[1::3]:
            task.cancel()
        mailbox.complete(None)
        await sleep(1)

    run(main(), clock=VirtualClock())
    assert woken == [number for number in range(100) if number % 3 != 1]


def test_a_waitable_completes_once() -> None:
    mailbox: Waitable[int] = Waitable()
    with pytest.raises(RuntimeError, match="no result yet"):
        mailbox.result()
    with pytest.raises(RuntimeError, match="no result yet"):
        mailbox.exception()
    mailbox.complete(1)
    with pytest.raises(RuntimeError, match="done already"):
        mailbox.complete(2)
    with pytest.raises(RuntimeError, match="done already"):
        mailbox.fail(ValueError())
    assert mailbox.result() == 1 and mailbox.exception() is None
    with pytest.raises(TypeError, match="exception instance"):
        Waitable[int]().fail(ValueError)  # type: ignore[arg-type]  # the mistake in question


def test_one_failure_seen_by_many_does_not_pile_up_their_frames() -> None:
    async def waiter(mailbox: Waitable[None]) -> None:
        with pytest.raises(ValueError):
            await mailbox

    async def main() -> int:
        mailbox: Waitable[None] = Waitable()
        tasks = [await spawn(waiter(mailbox)) for _ in range(100)]
        await checkpoint()
        error = ValueError()
        mailbox.fail(error)
        for task in tasks:
            await task
        depth, entry = 0, error.__traceback__
        while entry is not None:
            depth, entry = depth + 1, entry.tb_next
        return depth

    assert run(main()) < 10
