"""Scopes of every kind, and nested: each is entered once, ends by its own expiry only, and loses no cancellation."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import pytest

from kernel import (Cancelled, Lock, Task, TaskGroup, VirtualClock, checkpoint, current_task, run, shielded, sleep,
                    spawn, timeout)
from tests.support.coroutines import after
from tests.support.injection import Injection, cancel_at_every_suspension
from tests.support.ready_queues import RandomReady


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_no_cancellation_leaves_a_child_behind(seed: int | None) -> None:
    async def scenario(injection: Injection) -> None:
        children = list[Task[Any]]()
        lock = Lock()

        async def child(fail: bool) -> None:
            async with lock:
                await sleep(0.1)
            if fail:
                raise ValueError

        async def parent() -> None:
            try:
                async with timeout(5), TaskGroup() as group:
                    for number in range(3):
                        children.append(await group.spawn(child(number == 1)))
                    children.append(await group.spawn(after(99), daemon=True))
                    await checkpoint()
                    async for _ in group.as_completed():
                        pass
            except* ValueError:
                pass
            finally:
                assert all(task.done() for task in children)
            async with shielded():
                await sleep(0.1)
                try:
                    async with timeout(1):
                        await sleep(9)
                except TimeoutError:
                    children.clear()

        task = await spawn(parent())
        injection.watch(task)
        try:
            await task
        except Cancelled:
            assert injection.fired
        assert all(child.done() for child in children) and not lock.locked()
        assert task.cancelling() == (1 if task.cancelled() else task.cancelling())

    assert cancel_at_every_suspension(scenario, seed=seed) > 6


@pytest.mark.parametrize("seed", range(20))
def test_nested_scopes_at_random(seed: int) -> None:
    """Every scope ends by its own expiry or passes on what is not its own; no cancellation is lost or invented."""
    print("seed", seed)
    dice = random.Random(seed)

    async def nest(depth: int) -> None:
        if depth == 0:
            return await sleep(dice.choice((0, 1, 2, 5)))
        match dice.randrange(4):
            case 0:
                async with timeout(dice.choice((1, 2, 3))) as limit:
                    await nest(depth - 1)
            case 1:
                async with shielded():
                    await nest(depth - 1)
            case 2:
                async with TaskGroup() as group:
                    await group.spawn(nest(depth - 1))
                    await nest(depth - 1)
            case _:
                try:
                    async with timeout(dice.choice((1, 2, 3))) as limit:
                        await nest(depth - 1)
                except* TimeoutError:
                    assert limit.expired or depth > 1

    async def body() -> None:
        try:
            await nest(dice.randrange(1, 7))
        finally:
            me = await current_task()
            assert me.shields == 0

    async def main() -> None:
        for _ in range(20):
            task = await spawn(body())
            requests = dice.choice((0, 0, 1))
            if requests:
                await sleep(dice.choice((0, 1, 2, 3)))
                requests = int(task.cancel())
            try:
                await task
            except Cancelled:
                assert requests == 1, "nobody had cancelled it"
            except BaseExceptionGroup as group:
                assert group.split(TimeoutError)[1] is None
            except TimeoutError:
                pass
            assert task.cancelling() == requests
        await sleep(10)
        assert len((await current_task()).kernel.tasks) == 1

    run(main(), clock=VirtualClock(), ready=RandomReady(seed))


@pytest.mark.parametrize("make", [lambda: timeout(1), shielded, TaskGroup])
@pytest.mark.parametrize("when", ["inside", "afterwards", "in another task"])
def test_a_scope_is_entered_once(make: Callable[[], Any], when: str) -> None:
    async def enter(scope: Any) -> None:
        with pytest.raises(RuntimeError, match="enter"):
            async with scope:
                pass

    async def main() -> None:
        scope = make()
        async with scope:
            if when == "inside":
                await enter(scope)
            elif when == "in another task":
                await (await spawn(enter(scope)))
            await checkpoint()
        if when == "afterwards":
            await enter(scope)

    run(main())


@pytest.mark.parametrize("make", [lambda: timeout(1), shielded, TaskGroup])
def test_a_scope_that_no_task_is_in_cannot_be_left(make: Callable[[], Any]) -> None:
    async def leave(scope: Any) -> None:
        with pytest.raises(RuntimeError, match="no task is in it"):
            await scope.__aexit__(None, None, None)

    async def main() -> None:
        scope = make()
        await leave(scope)
        async with scope:
            pass
        await leave(scope)

    run(main())


@pytest.mark.parametrize("seed", range(30))
def test_nested_sections_and_scopes_at_random(seed: int) -> None:
    """Whatever expires where: as many cancellations as there are scopes inside of a section reach what it holds."""
    print("seed", seed)
    dice = random.Random(seed)

    async def nest(depth: int, limits: float) -> None:
        """`limits` is how many scopes there are between here and the next section outwards."""
        if depth == 0:
            disturbances = 0
            for _ in range(dice.randrange(1, 4)):
                try:
                    await sleep(dice.choice((0, 1, 2, 5)))
                except Cancelled:
                    disturbances += 1
            assert disturbances <= limits
        elif dice.random() < 0.4:
            async with shielded():
                await nest(depth - 1, 0)
        else:
            try:
                async with timeout(dice.choice((1, 2, 3))):
                    await nest(depth - 1, limits + 1)
            except TimeoutError:
                pass

    async def main() -> None:
        for _ in range(20):
            task = await spawn(nest(dice.randrange(2, 7), math.inf))
            requests = 0
            for _ in range(dice.randrange(3)):
                await sleep(dice.choice((0, 1, 2, 3)))
                requests += task.cancel()
            try:
                await task
            except Cancelled:
                assert requests, "nobody had cancelled it"
            assert task.cancelling() == requests and task.shields == 0

    run(main(), clock=VirtualClock(), ready=RandomReady(seed))
