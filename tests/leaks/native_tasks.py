"""Tasks: made, failing, cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import suppress
from typing import Any

from kernel import Cancelled, cancel, checkpoint, current_task, now, sleep, sleep_until, spawn, wait

from .programs import (HOUR, cancel_in, cancel_task_in, fail, generate, nothing, until_done, until_future_done,
                       wait_for, wait_forever)
from .rows import native


def generate_failure() -> Generator[Any, Any, None]:
    yield
    raise ValueError("on purpose")


@native("sleep")
async def sleeping() -> None:
    await sleep(1e-6)


@sleeping.asyncio(on_compat="sleep")
async def _() -> None:
    await asyncio.sleep(1e-6)


@native("sleep_until, now, current_task, checkpoint")
async def asking() -> None:
    await sleep_until(await now())
    await current_task()
    await checkpoint()


@native("sleep cancelled")
async def sleep_cancelled() -> None:
    await cancel_in(lambda: sleep(HOUR))


@sleep_cancelled.asyncio(on_compat="cancel")
async def _() -> None:
    await cancel_task_in(lambda: asyncio.sleep(HOUR))


@native("spawn and wait")
async def spawning() -> None:
    await (await spawn(nothing()))


@spawning.asyncio(on_compat="create_task")
async def _() -> None:
    await asyncio.create_task(nothing())


@native("spawn and wait for a generator")
async def spawning_a_generator() -> None:
    await (await spawn(generate()))


@native("spawn and forget")
async def spawning_and_forgetting() -> None:
    await spawn(nothing(), daemon=True)
    await checkpoint()


@spawning_and_forgetting.asyncio()
async def _() -> None:
    asyncio.create_task(nothing())
    await asyncio.sleep(0)


@native("spawn, fail, wait")
async def failing() -> None:
    with suppress(ValueError):
        await (await spawn(fail()))


@failing.asyncio(on_compat="create_task, fail")
async def _() -> None:
    with suppress(ValueError):
        await asyncio.create_task(fail())


@native("spawn, fail, wait by name", as_asyncio=True)
async def failing_by_name() -> None:
    task = await spawn(fail())
    try:
        await task
    except ValueError:
        pass


@failing_by_name.asyncio(on_compat="create_task, fail, await by name")
async def _() -> None:
    task = asyncio.create_task(fail())
    try:
        await task
    except ValueError:
        pass


@native("spawn a generator, fail, wait")
async def failing_generator() -> None:
    with suppress(ValueError):
        await (await spawn(generate_failure()))


@native("spawn, fail, ask for the exception")
async def failing_and_asking() -> None:
    task = await spawn(fail())
    await until_done(task)
    assert task.exception() is not None


@failing_and_asking.asyncio()
async def _() -> None:
    task = asyncio.create_task(fail())
    await asyncio.sleep(0)
    assert task.exception() is not None


@native("spawn, fail, result() by name", as_asyncio=True)
async def failing_and_result() -> None:
    task = await spawn(fail())
    await until_done(task)
    try:
        task.result()
    except ValueError:
        pass


@failing_and_result.asyncio(on_compat="create_task, fail, result() by name")
async def _() -> None:
    task = asyncio.create_task(fail())
    await asyncio.sleep(0)
    try:
        task.result()
    except ValueError:
        pass


@native("spawn, fail, nobody waits")
async def failing_alone() -> None:
    await spawn(fail())
    await checkpoint()


@failing_alone.asyncio(on_compat="create_task, fail, nobody waits")
async def _() -> None:
    asyncio.create_task(fail())
    await asyncio.sleep(0)


@native("a daemon fails")
async def failing_daemon() -> None:
    await spawn(fail(), daemon=True)
    await checkpoint()


@native("one fails, two wait by name", as_asyncio=True)
async def failing_for_two() -> None:
    failing = await spawn(fail())
    waiting = [await spawn(wait_for(failing)) for _ in range(2)]
    for task in waiting:
        await until_done(task)
        task.exception()


@failing_for_two.asyncio()
async def _() -> None:
    async def one(task: asyncio.Task[None]) -> None:
        await task

    failing = asyncio.create_task(fail())
    waiting = [asyncio.create_task(one(failing)) for _ in range(2)]
    for task in waiting:
        await until_future_done(task)
        task.exception()


@native("cancel, wait")
async def cancelling() -> None:
    task = await spawn(wait_forever())
    await checkpoint()
    await cancel(task)
    await until_done(task)


@cancelling.asyncio()
async def _() -> None:
    await cancel_task_in(asyncio.get_running_loop().create_future)


@native("cancel, wait by name")
async def cancelling_by_name() -> None:
    task = await spawn(wait_forever())
    await checkpoint()
    task.cancel()
    try:
        await task
    except Cancelled:
        pass


@cancelling_by_name.asyncio(on_compat="cancel, await by name")
async def _() -> None:
    task = asyncio.create_task(asyncio.sleep(HOUR))
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass


@native("cancel with a message, ask for the exception")
async def cancelling_and_asking() -> None:
    task = await spawn(wait_forever())
    await checkpoint()
    task.cancel("enough")
    await until_done(task)
    assert task.cancelled() and task.exception() is not None


@native("cancel before it starts")
async def cancelling_early() -> None:
    task = await spawn(nothing())
    task.cancel()
    await until_done(task)


@cancelling_early.asyncio()
async def _() -> None:
    task = asyncio.create_task(nothing())
    task.cancel()
    await until_future_done(task)


@native("cancel a running task, which takes it back")
async def cancelling_itself() -> None:
    task = await current_task()
    task.cancel()
    with suppress(Cancelled):
        await sleep(HOUR)
    task.uncancel()


@native("cancel, and be taken back at once")
async def uncancelling() -> None:
    task = await current_task()
    task.cancel()
    task.uncancel()


@native("wait cancelled")
async def wait_cancelled() -> None:
    task = await spawn(wait_forever())
    await cancel_in(lambda: wait(task))
    task.cancel()
    await until_done(task)


@wait_cancelled.asyncio(on_compat="wait cancelled")
async def _() -> None:
    future = asyncio.get_running_loop().create_future()
    await cancel_task_in(lambda: asyncio.wait([future]))
