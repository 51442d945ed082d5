"""Cancellations that asyncio itself has lost, until a release of Python that does not."""

from __future__ import annotations

import asyncio
import sys

import pytest

from tests.support.losses import cancelled_after, forever, losses


def test_wait_for_loses_a_cancellation_until_python_3_12() -> None:
    """CPython's issue 86296: the work has ended, and the task that waits for it is cancelled before it runs."""
    async def program() -> None:
        loop = asyncio.get_running_loop()

        async def work() -> str:
            await asyncio.sleep(1)
            loop.call_soon(lambda: loop.call_soon(task.cancel))  # after wait_for has been told that the work is done
            return "done"

        async def victim() -> None:
            await asyncio.wait_for(work(), 5)
            await asyncio.sleep(1)

        task = asyncio.create_task(victim())
        await asyncio.wait([task])
        assert task.cancelled() is (sys.version_info >= (3, 12))

    lost = losses(program)
    assert len(lost) == (sys.version_info < (3, 12))
    assert all(loss.call.startswith("wait_for(<task ") for loss in lost)


def test_a_group_loses_a_cancellation_until_python_3_13() -> None:
    """CPython's pull request 117407: a task of the group has failed, and the others are being waited for."""
    async def fails() -> None:
        raise ValueError

    async def slow() -> None:
        try:
            await forever()
        finally:
            await asyncio.sleep(2)

    async def victim() -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(slow())
                group.create_task(fails())
        except* ValueError:
            await asyncio.sleep(1)

    async def program() -> None:
        assert (await cancelled_after(1, victim())).cancelled() is (sys.version_info >= (3, 13))

    lost = losses(program)
    assert [loss.call for loss in lost] == ["TaskGroup.__aexit__()"] * (sys.version_info < (3, 13))


@pytest.mark.parametrize("caught", [True, False])
def test_a_group_loses_a_cancellation_of_its_block_when_a_task_fails_after_it(caught: bool) -> None:
    """The same, where the cancellation has come first."""
    async def slow() -> None:
        try:
            await forever()
        finally:
            await asyncio.sleep(1)
            raise ValueError

    async def victim() -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(slow())
                await forever()
        except* ValueError:
            if not caught:
                raise
        await asyncio.sleep(1)

    async def program() -> None:
        task = await cancelled_after(1, victim())
        assert task.cancelled() is (caught and sys.version_info >= (3, 13))
        if not caught:
            assert isinstance(task.exception(), ExceptionGroup)  # the task has stopped, too

    lost = losses(program)
    assert [loss.call for loss in lost] == ["TaskGroup.__aexit__()"] * (caught and sys.version_info < (3, 13))
