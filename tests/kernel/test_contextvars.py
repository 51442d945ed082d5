"""Context variables: each task runs in a copy of its spawner's context."""

from __future__ import annotations

import contextvars
from collections.abc import Generator
from typing import Any

from kernel import Task, VirtualClock, call, checkpoint, current_task, run, sleep, spawn

Gen = Generator[Any, Any, Any]

colour: contextvars.ContextVar[str] = contextvars.ContextVar("colour", default="none")


def test_main_sees_a_copy_of_the_callers_context() -> None:
    async def main() -> str:
        seen = colour.get()
        colour.set("blue")
        return seen

    def caller() -> None:
        colour.set("red")
        assert run(main()) == "red"
        assert colour.get() == "red"

    contextvars.copy_context().run(caller)


def test_a_task_gets_what_its_spawner_had_when_it_spawned() -> None:
    async def body() -> str:
        return colour.get()

    async def main() -> None:
        colour.set("red")
        task = await spawn(body())
        colour.set("blue")
        assert await task == "red"

    run(main())


def test_what_a_task_sets_is_its_own_and_lasts() -> None:
    def generator(name: str) -> Gen:
        colour.set(name)
        for _ in range(3):
            yield
            assert colour.get() == name
        yield sleep(1)
        return colour.get()

    async def coroutine(name: str) -> str:
        colour.set(name)
        await checkpoint()
        await sleep(1)
        return colour.get()

    async def main() -> None:
        colour.set("main's")
        tasks: list[Task[Any]] = []
        for number in range(10):
            tasks.append(await spawn(generator(f"generator {number}")))
            tasks.append(await spawn(coroutine(f"coroutine {number}")))
        seen = [await task for task in tasks]
        assert seen == [f"{kind} {number}" for number in range(10) for kind in ("generator", "coroutine")]
        assert colour.get() == "main's"

    run(main(), clock=VirtualClock())


def test_a_call_shares_the_callers_context() -> None:
    async def paint() -> None:
        colour.set("green")

    def by_yield() -> Gen:
        yield paint()
        return colour.get()

    async def by_call() -> str:
        await call(paint())
        return colour.get()

    async def main() -> None:
        for code in by_yield, by_call:
            task: Task[Any] = await spawn(code())
            assert await task == "green"
        assert colour.get() == "none"

    contextvars.Context().run(run, main())


def test_a_spawn_from_outside_of_tasks_copies_the_callers_context_or_takes_the_given_one() -> None:
    async def body() -> str:
        seen = colour.get()
        colour.set("painted")
        return seen

    async def main() -> None:
        kernel = (await current_task()).kernel
        colour.set("red")
        given = contextvars.copy_context()
        colour.set("blue")
        assert await kernel.spawn(body()) == "blue"
        assert await kernel.spawn(body(), context=given) == "red"
        assert given[colour] == "painted" and colour.get() == "blue"

    run(main())
