"""Cancellations that a library swallows, and those that arrive late or are taken back: native tasks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from kernel import (Cancelled, Condition, Kernel, Lock, Queue, Task, TaskGroup, VirtualClock, Waitable, call, cancel,
                    current_task, shielded, sleep, spawn, timeout)
from kernel.sim.lost import Cancellations, LostCancellation
from tests.support.libraries import library

Program = Callable[[], Awaitable[object]]

SWALLOW = """
async def call(awaitable):
    try:
        return await awaitable
    except Cancelled:
        return None
"""
SWALLOW_LATE = """
async def call(awaitable):
    try:
        await awaitable
    except Cancelled:
        await sleep(1)
    await sleep(1)
"""
REPLACE = """
async def call(awaitable):
    try:
        await awaitable
    except Cancelled:
        raise TimeoutError from None
"""


def losses(program: Program) -> list[LostCancellation]:
    """The cancellations that are lost in a program."""
    lost: list[LostCancellation] = []
    originals = vars(Task)["cancel"], vars(Task)["uncancel"]
    with Cancellations(lost.append) as watch:
        async def main() -> None:
            try:
                await program()
            finally:
                watch.stop()

        with Kernel(clock=VirtualClock()) as kernel:
            kernel.run(main())
    assert (vars(Task)["cancel"], vars(Task)["uncancel"]) == originals
    return lost


async def forever() -> None:
    await Waitable()


async def end_of(task: Task[Any]) -> str:
    """How a task ends."""
    try:
        return str(await task)
    except Cancelled:
        return "cancelled"


async def cancelled_after(seconds: float, coroutine: Any) -> str:
    """Cancel a task that runs `coroutine`, and say how it ends."""
    task = await spawn(coroutine, name="victim")
    await sleep(seconds)
    assert await cancel(task)
    return await end_of(task)


@pytest.mark.parametrize("source", [SWALLOW, SWALLOW_LATE, REPLACE])
@pytest.mark.parametrize("called", ["awaited", "called", "yielded"])
def test_a_cancellation_that_a_library_keeps_is_lost(source: str, called: str) -> None:
    keep = library("kernel.broken", source, Cancelled=Cancelled, sleep=sleep)

    async def victim() -> None:
        try:
            await (keep(forever()) if called == "awaited" else call(keep(forever())))
        except TimeoutError:
            pass
        await sleep(1)

    def generator() -> Any:
        try:
            yield keep(forever())
        except TimeoutError:
            pass
        yield sleep(1)

    async def program() -> None:
        assert await cancelled_after(1, generator() if called == "yielded" else victim()) == "None"

    loss, = losses(program)
    assert loss.task.name == "victim"
    assert loss.asked_at is not None and loss.asked_at.endswith(" in cancelled_after")
    assert loss.place is not None and loss.place.startswith(f"{__file__}:")
    assert loss.place.endswith("generator" if called == "yielded" else "victim")
    assert str(loss) == (f"the cancellation of {loss.task}, asked for at {loss.asked_at}, was swallowed by {loss.call} "
                         f"at {loss.place}")
    assert loss.call.startswith("call(<coroutine object forever")


async def nothing_special() -> None:
    assert await cancelled_after(1, forever()) == "cancelled"
    assert await cancelled_after(0, forever()) == "cancelled"


async def caught_by_the_program() -> None:
    async def victim() -> str:
        try:
            await Queue[int]().get()
        except Cancelled:
            await sleep(1)
        return "went on"

    assert await cancelled_after(1, victim()) == "went on"


async def called_code_catches() -> None:
    async def inner() -> None:
        try:
            await forever()
        finally:
            await sleep(1)

    def victim() -> Any:
        try:
            yield inner()
        except Cancelled:
            yield sleep(1)
        return "went on"

    assert await cancelled_after(1, victim()) == "went on"


async def taken_back() -> None:
    swallow = library("kernel.broken", SWALLOW, Cancelled=Cancelled)

    async def victim() -> str:
        await swallow(forever())
        me = await current_task()
        me.uncancel()
        await sleep(1)
        return "went on"

    assert await cancelled_after(1, victim()) == "went on"


async def too_late() -> None:
    """A task that ends without a wait has no place where it could be told."""
    async def victim() -> str:
        me = await current_task()
        me.cancel()
        return "ended"

    assert await end_of(await spawn(victim())) == "ended"
    box = Waitable[str]()

    async def answered() -> str:
        return await box

    task = await spawn(answered())
    await sleep(1)
    box.complete("answered")
    task.cancel()
    assert await end_of(task) == "answered"


async def in_a_shielded_section() -> None:
    async def victim() -> None:
        async with shielded():
            await sleep(2)
            async with timeout(1):
                await sleep(0.5)
        await sleep(1)

    assert await cancelled_after(1, victim()) == "cancelled"


async def together_with_a_timeout() -> None:
    async def victim() -> str:
        try:
            async with timeout(1):
                await forever()
        except TimeoutError:
            await sleep(1)
            return "out of time"
        return "?"

    assert await end_of(await spawn(victim())) == "out of time"
    for seconds in 0.5, 1:
        await cancelled_after(seconds, victim())


async def in_a_group() -> None:
    async def slow(fails: bool) -> None:
        try:
            await forever()
        finally:
            await sleep(2)
            if fails:
                raise ValueError

    async def victim(in_the_block: bool, fails: bool) -> str:
        try:
            async with TaskGroup() as group:
                await group.spawn(slow(fails))
                if in_the_block:
                    await forever()
        except* ValueError:
            pass
        await sleep(1)
        return "?"

    for in_the_block in True, False:
        for fails in True, False:
            assert await cancelled_after(1, victim(in_the_block, fails)) == "cancelled"
            task = await spawn(victim(in_the_block, fails))
            for _ in range(3):  # also while the group waits for its tasks
                await sleep(0.5)
                task.cancel()
            assert await end_of(task) == "cancelled"


async def a_group_that_fails_by_itself() -> None:
    async def fails() -> None:
        await sleep(1)
        raise ValueError

    async def parent(in_the_block: bool) -> str:
        try:
            async with TaskGroup() as group:
                await group.spawn(fails())
                if in_the_block:
                    await forever()
        except* ValueError:
            await sleep(1)
        return "went on"

    for in_the_block in True, False:
        assert await end_of(await spawn(parent(in_the_block))) == "went on"


async def waiting_for_a_condition() -> None:
    """The exception comes when the task has its lock again."""
    for notified in True, False:
        condition = Condition(Lock())

        async def victim() -> str:
            async with condition:
                try:
                    await condition.wait()
                except Cancelled:
                    await sleep(1)
                    return "caught"
            return "went on"

        task = await spawn(victim())
        await sleep(1)
        async with condition:
            if notified:
                condition.notify()
                await sleep(1)  # it waits for the lock
            task.cancel()
            await sleep(1)
        assert await task == "caught"


CORRECT = [nothing_special, caught_by_the_program, called_code_catches, taken_back, too_late, in_a_shielded_section,
           together_with_a_timeout, in_a_group, a_group_that_fails_by_itself, waiting_for_a_condition]


@pytest.mark.parametrize("program", CORRECT)
def test_nothing_is_lost(program: Program) -> None:
    assert losses(program) == []


def test_what_a_shutdown_cancels_is_not_watched() -> None:
    swallow = library("kernel.broken", SWALLOW, Cancelled=Cancelled)

    async def victim() -> None:
        await swallow(forever())
        await sleep(1)

    async def program() -> None:
        await spawn(victim())
        await sleep(1)

    assert losses(program) == []
