"""Task groups, timeouts and shielded sections."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from kernel import Cancelled, TaskGroup, checkpoint, current_task, now, shielded, sleep, spawn, timeout, timeout_at

from .programs import HOUR, cancel_in, cancel_task_in, fail, nothing, until_done, wait_forever
from .rows import native


@native("TaskGroup")
async def grouping() -> None:
    async with TaskGroup() as group:
        await group.spawn(nothing())
        await group.spawn(nothing())


@grouping.asyncio(on_compat="TaskGroup")
async def _() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(nothing())
        group.create_task(nothing())


@native("TaskGroup's results")
async def grouping_for_results() -> None:
    async with TaskGroup() as group:
        await group.spawn(nothing())
    group.results()


@native("TaskGroup, a child fails")
async def group_with_failing_child() -> None:
    with suppress(BaseExceptionGroup):
        async with TaskGroup() as group:
            await group.spawn(fail())
            await group.spawn(wait_forever())


@group_with_failing_child.asyncio(on_compat="TaskGroup, a child fails")
async def _() -> None:
    with suppress(BaseExceptionGroup):
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
            group.create_task(asyncio.sleep(HOUR))


@native("TaskGroup, a child fails, except*")
async def group_with_failing_child_handled() -> None:
    try:
        async with TaskGroup() as group:
            await group.spawn(fail())
    except* ValueError:
        pass


@group_with_failing_child_handled.asyncio()
async def _() -> None:
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
    except* ValueError:
        pass


@native("TaskGroup, its body fails")
async def group_with_failing_body() -> None:
    with suppress(BaseExceptionGroup):
        async with TaskGroup() as group:
            await group.spawn(wait_forever())
            await checkpoint()
            raise ValueError("on purpose")


@group_with_failing_body.asyncio(on_compat="TaskGroup, its body fails")
async def _() -> None:
    with suppress(BaseExceptionGroup):
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(HOUR))
            await asyncio.sleep(0)
            raise ValueError("on purpose")


async def wait_in_group() -> None:
    async with TaskGroup() as group:
        await group.spawn(wait_forever())


async def wait_in_asyncio_group() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(HOUR))


@native("TaskGroup cancelled from outside")
async def group_cancelled() -> None:
    await cancel_in(wait_in_group)


@group_cancelled.asyncio(on_compat="TaskGroup cancelled from outside")
async def _() -> None:
    await cancel_task_in(wait_in_asyncio_group)


async def wait_in_the_body() -> None:
    async with TaskGroup() as group:
        await group.spawn(wait_forever())
        await sleep(HOUR)


@native("TaskGroup cancelled in its body")
async def group_cancelled_in_body() -> None:
    await cancel_in(wait_in_the_body)


@native("TaskGroup with a daemon")
async def group_with_daemon() -> None:
    async with TaskGroup() as group:
        await group.spawn(wait_forever(), daemon=True)
        await checkpoint()


@native("TaskGroup.cancel()")
async def group_cancels_itself() -> None:
    async with TaskGroup() as group:
        await group.spawn(wait_forever())
        await checkpoint()
        group.cancel()


@native("TaskGroup, a child is cancelled")
async def group_with_cancelled_child() -> None:
    async with TaskGroup() as group:
        (await group.spawn(wait_forever())).cancel()


@group_with_cancelled_child.asyncio()
async def _() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(HOUR)).cancel()


@native("TaskGroup, spawn after its end")
async def group_over() -> None:
    async with TaskGroup() as group:
        pass
    with suppress(RuntimeError):
        await group.spawn(nothing())


@native("as_completed")
async def completing() -> None:
    async with TaskGroup() as group:
        for _ in range(2):
            await group.spawn(nothing())
        async for task in group.as_completed():
            task.result()


@completing.asyncio()
async def _() -> None:
    for future in asyncio.as_completed([asyncio.create_task(nothing()) for _ in range(2)]):
        await future


@native("as_completed broken off")
async def breaking_off_completions() -> None:
    async with TaskGroup() as group:
        for _ in range(2):
            await group.spawn(nothing())
        async for _ in group.as_completed():
            break


@breaking_off_completions.asyncio()
async def _() -> None:
    for future in asyncio.as_completed([asyncio.create_task(nothing()) for _ in range(2)]):
        await future
        break
    await asyncio.sleep(0)


async def wait_for_completions() -> None:
    async with TaskGroup() as group:
        await group.spawn(wait_forever())
        async for _ in group.as_completed():
            pass


@native("as_completed cancelled")
async def completions_cancelled() -> None:
    await cancel_in(wait_for_completions)


@native("timeout made")
async def timeout_in_time() -> None:
    async with timeout(HOUR):
        await checkpoint()


@timeout_in_time.asyncio(on_compat="timeout")
async def _() -> None:
    async with asyncio.timeout(HOUR):
        await asyncio.sleep(0)


@native("timeout_at, timeout(None)")
async def other_timeouts() -> None:
    async with timeout_at(await now() + HOUR), timeout(None):
        await checkpoint()


@native("timeout expired")
async def timeout_expired() -> None:
    with suppress(TimeoutError):
        async with timeout(0):
            await sleep(HOUR)


@timeout_expired.asyncio(on_compat="timeout expired")
async def _() -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(0):
            await asyncio.sleep(HOUR)


@native("timeout expired, its limit by name")
async def timeout_expired_by_name() -> None:
    try:
        async with timeout(0) as limit:
            await sleep(HOUR)
    except TimeoutError:
        assert limit.expired


@timeout_expired_by_name.asyncio()
async def _() -> None:
    try:
        async with asyncio.timeout(0) as limit:
            await asyncio.sleep(HOUR)
    except TimeoutError:
        assert limit.expired()


@native("timeout rescheduled")
async def timeout_rescheduled() -> None:
    async with timeout(HOUR) as limit:
        limit.reschedule(await now() + 2 * HOUR)
        await checkpoint()


@timeout_rescheduled.asyncio()
async def _() -> None:
    async with asyncio.timeout(HOUR) as limit:
        limit.reschedule(asyncio.get_running_loop().time() + 2 * HOUR)
        await asyncio.sleep(0)


@native("timeout, its body fails")
async def timeout_around_failure() -> None:
    with suppress(ValueError):
        async with timeout(HOUR):
            raise ValueError("on purpose")


@timeout_around_failure.asyncio()
async def _() -> None:
    with suppress(ValueError):
        async with asyncio.timeout(HOUR):
            raise ValueError("on purpose")


async def wait_in_timeout() -> None:
    async with timeout(HOUR):
        await sleep(HOUR)


async def wait_in_asyncio_timeout() -> None:
    async with asyncio.timeout(HOUR):
        await asyncio.sleep(HOUR)


@native("timeout cancelled from outside")
async def timeout_cancelled() -> None:
    await cancel_in(wait_in_timeout)


@timeout_cancelled.asyncio()
async def _() -> None:
    await cancel_task_in(wait_in_asyncio_timeout)


@native("two timeouts expired at once")
async def timeouts_nested() -> None:
    with suppress(TimeoutError):
        async with timeout(0):
            async with timeout(0):
                await sleep(HOUR)


@timeouts_nested.asyncio()
async def _() -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(0):
            async with asyncio.timeout(0):
                await asyncio.sleep(HOUR)


@native("timeout around a task group")
async def timeout_around_group() -> None:
    with suppress(TimeoutError):
        async with timeout(0):
            await wait_in_group()


@timeout_around_group.asyncio()
async def _() -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(0):
            await wait_in_asyncio_group()


@native("shielded")
async def shielding() -> None:
    async with shielded():
        await checkpoint()


async def be_cancelled_shielded() -> None:
    async with shielded():
        (await current_task()).cancel()
        await checkpoint()


@native("shielded, cancelled inside")
async def shielding_from_cancellation() -> None:
    task = await spawn(be_cancelled_shielded())
    await until_done(task)


@native("shielded, with a timeout that expires inside")
async def timeout_in_shield() -> None:
    with suppress(TimeoutError):
        async with shielded(), timeout(0):
            await sleep(HOUR)


@native("shielded, left by a failure with a cancellation held back")
async def failing_in_shield() -> None:
    task = await current_task()
    with suppress(ValueError):
        async with shielded():
            task.cancel()
            await checkpoint()
            raise ValueError("on purpose")
    with suppress(Cancelled):
        await sleep(HOUR)
    task.uncancel()
