"""Cancellations that the exploration asks for, in programs that are in order: nothing is reported.

Each of these programs fails when a task of its own is cancelled at any other moment, but it never does that itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import kernel
from kernel.sim import Report
from tests.support.flavours import ASYNCIO, NATIVE, Body, Flavour, end_of, pause

both = pytest.mark.parametrize("flavour", [NATIVE, ASYNCIO], ids=["native", "asyncio"])


def explored(flavour: Flavour, main: Callable[[], Body], **arguments: Any) -> Report:
    report = flavour.explore(main, **{"strategy": "cancel", "seed": 1, **arguments})
    print(report)
    return report


@both
@pytest.mark.parametrize("first", ["awaited", "cancelled"])
def test_who_awaits_the_task_may_end_with_it(flavour: Flavour, first: str) -> None:
    async def main() -> None:
        async def work() -> str:
            await flavour.checkpoint()
            return "done"

        task = await flavour.spawn(work(), "worker")
        if first == "cancelled":
            await pause(flavour)
            task.cancel()
        assert await task == "done"
        task.cancel()

    report = explored(flavour, main)
    assert report and report.complete.startswith("complete: 2 cancellations at 2 suspensions of 1 task; and ")


@both
def test_workers_that_are_cancelled_when_their_work_is_done(flavour: Flavour) -> None:
    """Without them the program would wait for ever."""
    async def main() -> None:
        queue = flavour.queue()

        async def work() -> None:
            while True:
                await flavour.sleep(await queue.get())
                queue.task_done()

        workers = [await flavour.spawn(work(), f"worker-{number}") for number in range(2)]
        for _ in range(4):
            queue.put_nowait(0.1)
        await queue.join()
        for worker in workers:
            worker.cancel()

    report = explored(flavour, main, runs=300)
    assert report and " of 2 tasks; and " in report.complete


@both
def test_a_server_that_is_cancelled_when_the_test_has_failed(flavour: Flavour) -> None:
    async def main() -> None:
        queue, answers = flavour.queue(), flavour.queue()

        async def serve() -> None:
            while True:
                answers.put_nowait(await queue.get())

        server = await flavour.spawn(serve(), "server")
        try:
            queue.put_nowait("hello")
            await pause(flavour)
            assert answers.get_nowait() == "hello"
        finally:
            server.cancel()

    assert explored(flavour, main)


@both
def test_a_task_that_is_cancelled_much_later(flavour: Flavour) -> None:
    """The program has counted on it for longer than the world is ever late."""
    async def main() -> None:
        beats: list[int] = []

        async def beat() -> None:
            while True:
                await flavour.sleep(1)
                beats.append(1)

        heart = await flavour.spawn(beat(), "heart")
        await flavour.sleep(10.5)
        heart.cancel()
        assert len(beats) > 8

    assert explored(flavour, main)
    report = explored(flavour, main, longest_stall=20)
    assert report.failures[0].kind == "exception"


@both
def test_one_cancellation_comes_earlier_and_is_not_a_second_one(flavour: Flavour) -> None:
    async def main() -> None:
        said: list[str] = []

        async def work() -> None:
            try:
                await flavour.event().wait()
            except flavour.cancelled:
                await pause(flavour)
                said.append("goodbye")

        task = await flavour.spawn(work(), "worker")
        await flavour.checkpoint()
        await flavour.checkpoint()
        await flavour.sleep(0)
        task.cancel()
        await end_of(task, flavour)
        assert said == ["goodbye"] or len(said) == 0 and task.cancelled()

    assert explored(flavour, main)


@both
def test_a_task_that_cleans_up_when_the_program_has_ended(flavour: Flavour) -> None:
    """Nothing is cancelled there any more."""
    async def main() -> None:
        async def work() -> None:
            try:
                await flavour.event().wait()
            finally:
                await pause(flavour, 50)

        task = await flavour.spawn(work(), "worker")
        await pause(flavour)
        task.cancel()

    report = explored(flavour, main)
    assert report and " at 2 suspensions of 1 task; and " in report.complete
    assert report.runs < 9


@both
def test_a_message_that_only_the_program_knows(flavour: Flavour) -> None:
    async def main() -> None:
        reasons: list[str] = []

        async def work() -> None:
            try:
                await flavour.event().wait()
            except flavour.cancelled as error:
                reasons.append(error.args[0])
                raise

        task = await flavour.spawn(work(), "worker")
        await pause(flavour)
        task.cancel("no longer needed")
        await end_of(task, flavour)
        assert reasons == ["no longer needed"]

    assert explored(flavour, main)


@both
def test_time_limits_and_groups_interrupt_their_own_blocks_only(flavour: Flavour) -> None:
    async def main() -> None:
        try:
            async with (kernel.timeout(0.5) if flavour is NATIVE else asyncio.timeout(0.5)):
                await flavour.sleep(1)
        except TimeoutError:
            pass
        await flavour.sleep(1)

    report = explored(flavour, main)
    assert report and report.complete.startswith("complete: the program cancels no task; and each deadline ")


def test_the_tasks_of_a_library() -> None:
    """A server cancels those that wait for connections when it is closed."""
    async def main() -> None:
        async def answer(stream: kernel.Stream) -> None:
            await stream.write_all(b"hello")

        async with await kernel.serve(answer, "127.0.0.1", 0) as server:
            stream = await kernel.open_connection("127.0.0.1", server.port)
            assert await stream.read(9)
            stream.close()

    report = explored(NATIVE, main, runs=1000)
    assert report and report.complete.startswith("complete: the program cancels no task; and ")
