"""Cancellation where a task of one world waits for something of the other."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

import kernel
from tests.compat.cancelling import Spawn, cancel_answered
from tests.compat.loops import run
from tests.support.sockets import Pair


async def create_task(code: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    return asyncio.create_task(code)


each_spawn = pytest.mark.parametrize("spawn", [create_task, kernel.spawn], ids=["asyncio", "kernel"])


@pytest.mark.parametrize("make", [lambda: kernel.sleep(3600), lambda: asyncio.sleep(3600), lambda: kernel.Waitable(),
                                  lambda: asyncio.get_running_loop().create_future()],
                         ids=["kernel.sleep", "asyncio.sleep", "Waitable", "Future"])
@each_spawn
@pytest.mark.parametrize("by", ["asyncio", "kernel"])
def test_cancellation_is_asyncio_s_whoever_waits_for_what(make: Callable[[], Any], spawn: Spawn, by: str) -> None:
    seen: list[object] = []

    async def child() -> None:
        try:
            await make()
        except asyncio.CancelledError as error:
            seen.append(error.args)
            raise

    async def main() -> Any:
        task: Any = await spawn(child())
        await asyncio.sleep(0)
        assert (await kernel.cancel(task, "why") if by == "kernel" else task.cancel("why")) is True
        assert task.cancelling() == 1
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancel() is False
        return task.cancelled()

    assert run(main()) is True
    assert seen == [("why",)]


@each_spawn
def test_waiting_for_a_descriptor_is_given_up(pair: Pair, spawn: Spawn) -> None:
    left, right = pair

    async def child() -> None:
        await kernel.wait_readable(left)

    async def main() -> None:
        task: Any = await spawn(child())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        right.send(b"x")
        await kernel.wait_readable(left)  # and another may wait for it
        assert await asyncio.get_running_loop().sock_recv(left, 1) == b"x"

    run(main())


def test_timeouts_of_asyncio_end_native_waits(pair: Pair) -> None:
    async def main() -> float:
        start = asyncio.get_running_loop().time()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await kernel.sleep(3600)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(native(), 1)
        async with asyncio.timeout(5):
            await kernel.sleep(1)
        return asyncio.get_running_loop().time() - start

    async def native() -> None:
        await kernel.wait_readable(pair[0])

    assert run(main()) == 3


def test_a_task_group_of_asyncio_ends_native_waits() -> None:
    async def native() -> None:
        await kernel.sleep(3600)

    async def failing() -> None:
        await kernel.sleep(1)
        raise LookupError

    async def main() -> None:
        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(native()), group.create_task(failing())]
        assert [type(error) for error in caught.value.exceptions] == [LookupError]
        assert tasks[0].cancelled()

    run(main())


def test_a_native_task_that_is_cancelled_cancels_the_asyncio_task_it_waits_for() -> None:
    """As an asyncio task does; a native task elsewhere leaves alone whom it waits for."""
    async def main() -> tuple[bool, bool]:
        inner = asyncio.create_task(asyncio.sleep(3600))
        outer: Any = await kernel.spawn(waiter(inner))
        await asyncio.sleep(0)
        outer.cancel()
        await asyncio.wait([inner, outer])
        return inner.cancelled(), outer.cancelled()

    async def waiter(task: asyncio.Task[None]) -> None:
        await task

    assert run(main()) == (True, True)


@each_spawn
def test_an_answer_on_its_way_is_not_lost_to_a_cancellation(spawn: Spawn) -> None:
    """It was handed over before the cancellation, and would be nobody's if it were dropped."""
    assert run(cancel_answered(spawn)) == (["mail", "cancelled"], True)


@each_spawn
def test_a_byte_on_its_way_is_not_lost_to_a_cancellation(pair: Pair, spawn: Spawn) -> None:
    left, right = pair
    got: list[bytes] = []

    async def child() -> None:
        await kernel.wait_readable(left)
        got.append(left.recv(1))

    async def main() -> None:
        task: Any = await spawn(child())
        await asyncio.sleep(0)
        right.send(b"x")
        loop: Any = asyncio.get_running_loop()
        loop.kernel.poll()  # the child is woken, and has not run yet
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelling() == 1

    run(main())
    assert got == [b"x"]


@each_spawn
def test_an_exception_on_its_way_is_not_lost_to_a_cancellation(spawn: Spawn) -> None:
    got: list[str] = []

    async def child(mailbox: kernel.Waitable[str]) -> None:
        try:
            await mailbox
        except LookupError:
            got.append("error")
        await kernel.sleep(3600)

    async def main() -> bool:
        mailbox: kernel.Waitable[str] = kernel.Waitable()
        task: Any = await spawn(child(mailbox))
        await asyncio.sleep(0)
        mailbox.fail(LookupError())
        task.cancel()
        await asyncio.wait([task])
        return bool(task.cancelled())

    assert run(main()) is True
    assert got == ["error"]


@pytest.mark.skipif(sys.version_info < (3, 13), reason="asyncio takes a cancellation back since Python 3.13")
def test_a_cancellation_taken_back_in_time_is_none() -> None:
    async def child(mailbox: kernel.Waitable[int]) -> int:
        value = await mailbox
        await kernel.sleep(1)
        return value

    async def main() -> Any:
        mailbox: kernel.Waitable[int] = kernel.Waitable()
        task = asyncio.create_task(child(mailbox))
        await asyncio.sleep(0)
        mailbox.complete(3)
        task.cancel()
        assert task.uncancel() == 0
        return await task

    assert run(main()) == 3
