"""Putting `compat` in the place of asyncio's loop, Future and Task, before a test module is imported."""

from __future__ import annotations

import asyncio
from asyncio import futures, tasks

import compat


def substitute() -> None:
    """Replace the classes in this process.

    A test class that is written for the C classes gets ours; one for the Python classes keeps those, so that the mixed
    ones find out how ours get on with futures and tasks of another make.
    """
    compat.install()
    for future_owner in asyncio, futures:
        setattr(future_owner, "Future", compat.Future)
    for task_owner in asyncio, tasks:
        setattr(task_owner, "Task", compat.Task)
    setattr(futures, "_CFuture", compat.Future)
    setattr(tasks, "_CTask", compat.Task)
    for name in "future_add_to_awaited_by", "future_discard_from_awaited_by":
        if hasattr(futures, name):  # since 3.14
            setattr(futures, f"_c_{name}", getattr(futures, name))
    loop = asyncio.new_event_loop()
    try:
        if not type(loop) is compat.EventLoop:
            raise RuntimeError(f"the tests would run on {loop!r}")
    finally:
        loop.close()
