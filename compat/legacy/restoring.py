"""What `compat.install(legacy=True)` does: put back into asyncio and its modules what they have dropped."""

from __future__ import annotations

import asyncio
from asyncio import coroutines, events, locks, queues, streams, subprocess, tasks

import compat.legacy as old

from ..current_loop import get_event_loop
from ..other_loops import Replace

MODULES = coroutines, locks, queues, streams, subprocess, tasks
GONE = {"coroutine": (coroutines, tasks), "async_": (tasks,), "JoinableQueue": (queues,)}  # the modules that had them


def restore(replace: Replace) -> None:
    """Put every name of `compat.legacy` where asyncio has it, or had it."""
    for name in old.__all__:
        for module in [asyncio, *(GONE.get(name) or (module for module in MODULES if hasattr(module, name)))]:
            replace(module, name, getattr(old, name))
    for module in asyncio, tasks:
        replace(module, "async", old.async_)
    for module in asyncio, events:
        replace(module, "get_event_loop", get_event_loop)
