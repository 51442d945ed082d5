"""Task groups: their results, their failures, their daemons, and when they end."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from kernel import Deadlock, Event, Task, TaskGroup, VirtualClock, current_task, now, run, sleep
from tests.support.coroutines import after, fail_when_cancelled


async def append_when_cancelled(ended: list[str]) -> None:
    try:
        await sleep(9)
    finally:
        ended.append("sibling")


def test_a_group_waits_for_all_and_has_their_results_in_order() -> None:
    async def main() -> None:
        async with TaskGroup() as group:
            with pytest.raises(RuntimeError, match="before its block has ended"):
                group.results()
            for seconds in 3, 1, 2:
                assert isinstance(await group.spawn(after(seconds, seconds), name=f"after {seconds}"), Task)
        assert await now() == 3
        assert group.results() == [3, 1, 2]

    run(main(), clock=VirtualClock())


def test_a_failure_cancels_the_siblings_and_the_block() -> None:
    async def main() -> None:
        with pytest.raises(ExceptionGroup) as caught:
            async with TaskGroup() as group:
                slow = await group.spawn(after(9))
                await group.spawn(after(1, ValueError("v")))
                await sleep(9)
        assert slow.cancelled() and await now() == 1
        assert [repr(error) for error in caught.value.exceptions] == ["ValueError('v')"]
        assert (await current_task()).cancelling() == 0
        await sleep(1)

    run(main(), clock=VirtualClock())


def test_several_failures_arrive_together() -> None:
    async def main() -> None:
        with pytest.raises(ExceptionGroup) as caught:
            async with TaskGroup() as group:
                await group.spawn(fail_when_cancelled())
                await group.spawn(after(1, ValueError("v")))
                try:
                    await sleep(9)
                finally:
                    raise TypeError("t")
        assert [type(error) for error in caught.value.exceptions] == [ValueError, KeyError, TypeError]

    run(main(), clock=VirtualClock())


def test_a_failure_that_the_block_sees_itself_is_told_once() -> None:
    async def main() -> None:
        error = ValueError("v")
        with pytest.raises(ExceptionGroup) as caught:
            async with TaskGroup() as group:
                await (await group.spawn(after(1, error)))
        assert caught.value.exceptions == (error,)

    run(main(), clock=VirtualClock())


def test_siblings_that_wait_for_the_one_that_fails() -> None:
    async def wait_for(task: Task[Any]) -> None:
        try:
            await task
        except ValueError:
            await sleep(9)

    async def main() -> None:
        with pytest.raises(ExceptionGroup) as caught:
            async with TaskGroup() as group:
                failing = await group.spawn(after(1, ValueError()))
                for _ in range(3):
                    await group.spawn(wait_for(failing))
        assert len(caught.value.exceptions) == 1 and await now() == 1

    run(main(), clock=VirtualClock())


def test_a_task_cancelled_by_itself_is_no_failure() -> None:
    async def main() -> None:
        async with TaskGroup() as group:
            victim = await group.spawn(after(9))
            await group.spawn(after(2, "other"))
            await sleep(1)
            victim.cancel()
        assert await now() == 2
        with pytest.raises(RuntimeError, match="was cancelled and has no result"):
            group.results()

    run(main(), clock=VirtualClock())


def test_daemons_end_with_the_group_and_their_failures_count() -> None:
    async def main() -> None:
        async with TaskGroup() as group:
            daemon = await group.spawn(after(99), daemon=True)
            assert daemon.daemon
            await group.spawn(after(2, "work"))
        assert daemon.cancelled() and await now() == 2
        assert group.results() == ["work"]
        with pytest.raises(ExceptionGroup):
            async with TaskGroup() as group:
                await group.spawn(after(1, ValueError()), daemon=True)
                await group.spawn(after(9))
        assert await now() == 3

    run(main(), clock=VirtualClock())


def test_tasks_as_they_complete() -> None:
    async def main() -> None:
        async with TaskGroup() as group:
            for seconds in 3, 1, 2:
                await group.spawn(after(seconds, seconds))
            await group.spawn(after(99), daemon=True)
            await sleep(1.5)
            order = list[Any]()
            async for task in group.as_completed():
                order.append(task.result())
                if task.result() == 2:
                    await group.spawn(after(3, 5))
            assert order == [1, 2, 3, 5]
            assert [task.result() async for task in group.as_completed()] == order
        assert group.results() == [3, 1, 2, 5]

    run(main(), clock=VirtualClock())


def test_a_failure_while_waiting_for_completions_ends_the_group() -> None:
    async def main() -> None:
        with pytest.raises(ExceptionGroup) as caught:
            async with TaskGroup() as group:
                await group.spawn(after(1, ValueError()))
                await group.spawn(after(9))
                async for task in group.as_completed():
                    task.result()
        assert len(caught.value.exceptions) == 1 and await now() == 1

    run(main(), clock=VirtualClock())


def test_a_group_that_is_not_open_takes_no_tasks() -> None:
    async def main() -> None:
        group = TaskGroup()
        with pytest.raises(RuntimeError, match="is not open; enter it by 'async with'"):
            await group.spawn(after(1))
        async with group:
            pass
        with pytest.raises(RuntimeError, match="is not open"):
            await group.spawn(after(1))
        with pytest.raises(RuntimeError, match="entered before"):
            async with group:
                pass
        with pytest.raises(TypeError, match="call it"):
            await group.spawn(main)  # type: ignore[arg-type]

    run(main(), clock=VirtualClock())


def test_generator_tasks_spawn_in_groups() -> None:
    def child() -> Generator[Any, Any, str]:
        yield sleep(1)
        return "generated"

    def spawner(group: TaskGroup) -> Generator[Any, Any, Any]:
        first = yield group.spawn(child())
        second = yield from group.spawn(child())
        return (yield first) + (yield second)

    async def main() -> None:
        async with TaskGroup() as group:
            await group.spawn(spawner(group))
        assert group.results() == ["generated" * 2, "generated", "generated"]

    run(main(), clock=VirtualClock())


def test_the_wait_for_a_group_is_told_in_a_deadlock_report() -> None:
    async def main() -> None:
        async with TaskGroup() as group:
            await group.spawn(stuck(), name="stuck")

    async def stuck() -> None:
        await Event().wait()

    with pytest.raises(Deadlock) as caught:
        run(main(), clock=VirtualClock())
    assert "is blocked on <TaskGroup of 1: task 2 'stuck'>.__aexit__()" in str(caught.value)
    assert __file__ in str(caught.value)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_run_ends_it_from_a_group_too(error: type[BaseException]) -> None:
    ended = list[str]()

    async def main() -> None:
        try:
            async with TaskGroup() as group:
                await group.spawn(append_when_cancelled(ended))
                await group.spawn(after(1, error()))
        finally:
            ended.append("main")

    with pytest.raises(error):
        run(main(), clock=VirtualClock())
    assert ended == ["sibling", "main"]


def test_an_error_in_the_block_that_ends_the_run_ends_the_group_first() -> None:
    ended = list[str]()

    async def main() -> None:
        async with TaskGroup() as group:
            await group.spawn(append_when_cancelled(ended))
            await sleep(1)
            raise SystemExit(3)

    with pytest.raises(SystemExit):
        run(main(), clock=VirtualClock())
    assert ended == ["sibling"]


def test_a_groups_request_to_spawn_is_made_once() -> None:
    async def main() -> None:
        async with TaskGroup() as group:
            request = group.spawn(child())
            task = await request
            with pytest.raises(RuntimeError, match="task 1 .*main' made the request <TaskGroup.*>.spawn.* made before"):
                await request
        assert group.results() == [1] and task.result() == 1

    async def child() -> int:
        return 1

    run(main())
