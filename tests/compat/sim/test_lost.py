"""Cancellations that a library swallows, and those that arrive late or are taken back: on an event loop."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.libraries import library
from tests.support.losses import Program, cancelled_after, forever, losses

SWALLOW = """
async def call(awaitable):
    try:
        return await awaitable
    except asyncio.CancelledError:
        return None
"""
SWALLOW_LATE = """
async def inner(awaitable):
    try:
        await awaitable
    except asyncio.CancelledError:
        await asyncio.sleep(1)

async def call(awaitable):
    await inner(awaitable)
    await asyncio.sleep(1)
"""
REPLACE = """
async def call(awaitable):
    try:
        await awaitable
    except asyncio.CancelledError:
        raise TimeoutError from None
"""
RAISE_LATE = """
async def inner(awaitable):
    try:
        await awaitable
    except asyncio.CancelledError as error:
        await asyncio.sleep(1)
        return error

async def call(awaitable):
    raise await inner(awaitable)
"""
CANCEL_AGAIN = """
async def call(awaitable):
    try:
        await awaitable
    except asyncio.CancelledError:
        asyncio.current_task().uncancel()
        asyncio.current_task().cancel()
"""


RACE = """
async def run(awaitable):
    try:
        await awaitable
    except asyncio.CancelledError:
        pass

async def call(awaitable):
    task = asyncio.create_task(run(awaitable))
    await asyncio.sleep(1)
    task.cancel()
    await task
"""


@pytest.mark.parametrize("source", [SWALLOW, SWALLOW_LATE, REPLACE])
@pytest.mark.parametrize("goes_on", [True, False])
def test_a_cancellation_that_a_library_keeps_is_lost(source: str, goes_on: bool) -> None:
    call = library("asyncio.broken", source, asyncio=asyncio)

    async def victim() -> None:
        try:
            await call(forever())
        except TimeoutError:
            pass
        if goes_on:
            await asyncio.sleep(1)

    async def program() -> None:
        assert not (await cancelled_after(1, victim())).cancelled()

    loss, = losses(program)
    assert loss.task.get_name() == "victim"  # type: ignore[attr-defined]  # it is of asyncio's kind
    assert loss.asked_at is not None and loss.asked_at.endswith(" in cancelled_after")
    assert loss.place is not None and loss.place.startswith(f"{__file__}:") and loss.place.endswith("victim")
    assert str(loss) == (f"the cancellation of task {loss.task.id} 'victim', asked for at {loss.asked_at}, was "
                         f"swallowed by {loss.call} at {loss.place}")
    assert loss.call.startswith("call(<coroutine object forever")


def test_the_call_may_be_all_that_the_task_runs() -> None:
    call = library("asyncio.broken", SWALLOW, asyncio=asyncio)

    async def program() -> None:
        assert not (await cancelled_after(1, call(forever()))).cancelled()

    loss, = losses(program)
    assert loss.place is None and str(loss).endswith(f" was swallowed by {loss.call}, which is all that the task runs")


def test_a_loss_is_told_while_the_task_goes_on() -> None:
    call = library("asyncio.broken", SWALLOW, asyncio=asyncio)

    async def victim() -> None:
        for _ in range(20):
            await call(asyncio.sleep(5))

    async def program() -> None:
        task = asyncio.create_task(victim())
        await asyncio.sleep(1)
        asyncio.get_running_loop().call_soon(task.cancel)
        await asyncio.sleep(50)

    loss, = losses(program)
    assert loss.asked_at is None and ", asked for by a callback, " in str(loss)


async def nothing_special() -> None:
    assert (await cancelled_after(1, forever())).cancelled()


async def before_the_start() -> None:
    assert (await cancelled_after(0, forever())).cancelled()
    task = asyncio.create_task(forever())
    task.cancel()
    await asyncio.wait([task])


async def caught_by_the_program() -> None:
    async def victim() -> str:
        try:
            await asyncio.wait([asyncio.create_task(asyncio.sleep(9))])
        except asyncio.CancelledError:
            await asyncio.sleep(1)
        return "went on"

    assert (await cancelled_after(1, victim())).result() == "went on"


async def taken_back() -> None:
    swallow = library("asyncio.broken", SWALLOW, asyncio=asyncio)

    async def victim() -> None:
        await swallow(forever())
        me = asyncio.current_task()
        assert me is not None
        me.uncancel()
        await asyncio.sleep(1)

    assert not (await cancelled_after(1, victim())).cancelled()


async def raised_late() -> None:
    call = library("asyncio.broken", RAISE_LATE, asyncio=asyncio)
    assert (await cancelled_after(1, call(forever()))).cancelled()

    async def victim() -> None:
        try:
            await call(forever())
        except asyncio.CancelledError:
            await asyncio.sleep(1)

    assert not (await cancelled_after(1, victim())).cancelled()


async def asked_for_again_by_the_library() -> None:
    call = library("asyncio.broken", CANCEL_AGAIN, asyncio=asyncio)

    async def victim() -> None:
        await call(forever())
        await asyncio.sleep(1)

    assert (await cancelled_after(1, victim())).cancelled()


async def of_a_task_of_the_library_itself() -> None:
    await library("asyncio.racing", RACE, asyncio=asyncio)(forever())


async def passed_on_to_a_task_that_goes_on() -> None:
    async def stubborn() -> str:
        try:
            await asyncio.sleep(9)
        except asyncio.CancelledError:
            await asyncio.sleep(9)
        return "went on"

    async def victim() -> str:
        return await asyncio.create_task(stubborn())

    assert (await cancelled_after(1, victim())).result() == "went on"


async def gathered() -> None:
    async def victim(*others: Any) -> None:
        try:
            await asyncio.gather(forever(), asyncio.sleep(9), *others, return_exceptions=True)
        except asyncio.CancelledError:
            await asyncio.sleep(1)

    assert not (await cancelled_after(1, victim())).cancelled()


async def shielded() -> None:
    async def victim() -> None:
        await asyncio.shield(asyncio.sleep(3))

    assert (await cancelled_after(1, victim())).cancelled()


async def together_with_a_timeout() -> None:
    queue: asyncio.Queue[int] = asyncio.Queue()

    async def victim() -> None:
        async with asyncio.timeout(1):
            await queue.get()

    for seconds in 0.5, 1:
        task = asyncio.create_task(victim())
        await asyncio.sleep(seconds)
        task.cancel()
        await asyncio.wait([task])
    with pytest.raises(TimeoutError):
        await victim()


async def in_a_group() -> None:
    async def slow() -> None:
        try:
            await forever()
        finally:
            await asyncio.sleep(2)

    async def victim(*, in_the_block: bool) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(slow())
            if in_the_block:
                await forever()

    for in_the_block in True, False:
        assert (await cancelled_after(1, victim(in_the_block=in_the_block))).cancelled()
        task = asyncio.create_task(victim(in_the_block=in_the_block))
        for _ in range(3):  # also while the group waits for its tasks
            await asyncio.sleep(0.5)
            task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


async def in_a_group_whose_program_catches() -> None:
    async def slow() -> None:
        try:
            await forever()
        finally:
            await asyncio.sleep(2)

    async def victim(*, in_the_block: bool) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(slow())
                if in_the_block:
                    await forever()
        except asyncio.CancelledError:
            await asyncio.sleep(1)

    for in_the_block in True, False:
        for times in 1, 2:
            task = asyncio.create_task(victim(in_the_block=in_the_block))
            for _ in range(times):
                await asyncio.sleep(0.5)
                task.cancel()
            await task


async def in_a_group_that_a_timeout_has_interrupted() -> None:
    """The group raises the exception that came first, and takes no notice of the second."""
    async def stubborn() -> None:
        try:
            await forever()
        except asyncio.CancelledError:
            await forever()

    async def victim() -> str:
        try:
            async with asyncio.timeout(1), asyncio.TaskGroup() as group:
                children.append(group.create_task(stubborn()))
        except asyncio.CancelledError:
            await asyncio.sleep(1)
        return "caught"

    children: list[asyncio.Task[None]] = []
    task = asyncio.create_task(victim())
    await asyncio.sleep(2)
    task.cancel()
    await asyncio.sleep(1)
    children[0].cancel()
    assert await task == "caught"


async def a_group_that_fails_by_itself() -> None:
    async def fails() -> None:
        await asyncio.sleep(1)
        raise ValueError

    async def parent(*, in_the_block: bool) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(fails())
                if in_the_block:
                    await forever()
        except* ValueError:
            await asyncio.sleep(1)

    for in_the_block in True, False:
        await asyncio.create_task(parent(in_the_block=in_the_block))


async def waiting_for_a_condition() -> None:
    """The exception comes when the task has its lock again."""
    for notified in True, False:
        condition = asyncio.Condition()

        async def victim() -> str:
            async with condition:
                try:
                    await condition.wait()
                except asyncio.CancelledError:
                    await asyncio.sleep(1)
                    return "caught"
            return "went on"

        task = asyncio.create_task(victim())
        await asyncio.sleep(1)
        async with condition:
            if notified:
                condition.notify()
                await asyncio.sleep(1)  # it waits for the lock
            for _ in range(2):
                task.cancel()
                await asyncio.sleep(1)
        assert await task == "caught"


CORRECT = [nothing_special, before_the_start, caught_by_the_program, taken_back, raised_late,
           asked_for_again_by_the_library, of_a_task_of_the_library_itself, passed_on_to_a_task_that_goes_on, gathered,
           shielded, together_with_a_timeout, in_a_group, in_a_group_whose_program_catches,
           in_a_group_that_a_timeout_has_interrupted, a_group_that_fails_by_itself, waiting_for_a_condition]


@pytest.mark.parametrize("program", CORRECT)
def test_nothing_is_lost(program: Program) -> None:
    assert losses(program) == []


def test_what_is_cancelled_at_the_end_is_not_watched() -> None:
    swallow = library("asyncio.broken", SWALLOW, asyncio=asyncio)

    async def victim() -> None:
        await swallow(forever())
        await asyncio.sleep(1)

    async def program() -> None:
        task = asyncio.create_task(victim())
        await asyncio.sleep(1)
        assert not task.done()

    assert losses(program) == []
