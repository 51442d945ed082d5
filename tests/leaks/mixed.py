"""The native library in tasks of the event loop, and tasks of this project's on asyncio's own loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import compat
import kernel

from . import (native_host, native_network, native_queues, native_requests, native_scopes, native_sync, native_tasks)
from .programs import HOUR, fail, make, nothing, until_future_done, wait_forever
from .rows import guest, mixed

for row in (native_tasks.sleeping, native_tasks.sleep_cancelled, native_tasks.spawning, native_tasks.failing,
            native_tasks.failing_alone, native_tasks.cancelling, native_requests.failing_waitable,
            native_requests.calling_what_fails, native_requests.waiting_for_descriptor_cancelled,
            native_scopes.grouping, native_scopes.group_with_failing_child, native_scopes.group_with_failing_body,
            native_scopes.group_cancelled, native_scopes.group_with_daemon, native_scopes.completing,
            native_scopes.timeout_in_time, native_scopes.timeout_expired, native_scopes.timeout_cancelled,
            native_scopes.shielding_from_cancellation, native_sync.event_cancelled, native_sync.lock_cancelled,
            native_sync.condition, native_sync.condition_cancelled, native_sync.barrier_broken, native_queues.queue,
            native_queues.get_cancelled, native_queues.closing_under_getter, native_queues.universal_queue,
            native_host.in_thread, native_host.failing_in_thread, native_host.signals, native_host.running_process,
            native_network.connection, native_network.refused):
    mixed(row)


def task_of_ours(code: Any) -> compat.Task[Any]:
    """A task of ours, on whatever loop is running."""
    return compat.Task(code, loop=asyncio.get_running_loop())


async def cancel_guest_in(ask: Callable[[], Awaitable[object]]) -> None:
    task = task_of_ours(make(ask))
    await asyncio.sleep(0)
    task.cancel()
    await until_future_done(task)


@guest("task")
async def creating() -> None:
    await task_of_ours(nothing())


@guest("task fails")
async def failing() -> None:
    with suppress(ValueError):
        await task_of_ours(fail())


@guest("task fails, nobody waits")
async def failing_alone() -> None:
    task_of_ours(fail())
    await asyncio.sleep(0)


@guest("task cancelled in asyncio's sleep")
async def cancelling() -> None:
    await cancel_guest_in(lambda: asyncio.sleep(HOUR))


@guest("task cancelled in the kernel's sleep")
async def cancelling_in_sleep() -> None:
    await cancel_guest_in(lambda: kernel.sleep(HOUR))


async def fail_in_group() -> None:
    with suppress(BaseExceptionGroup):
        async with kernel.TaskGroup() as group:
            await group.spawn(fail())
            await group.spawn(wait_forever())


@guest("task group of the kernel's fails")
async def failing_in_group() -> None:
    await task_of_ours(fail_in_group())


async def hand_over() -> None:
    queue = kernel.Queue[int](1)
    await native_queues.pass_items(queue, queue.put)


@guest("queue of the kernel's")
async def passing() -> None:
    await task_of_ours(hand_over())
