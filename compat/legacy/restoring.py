"""Putting back into asyncio, and into its modules, what they have dropped: what `compat.install(legacy=True)` does."""

from __future__ import annotations

import asyncio
from asyncio import coroutines, events, locks, queues, streams, subprocess, tasks

import compat.legacy as old

from ..current_loop import get_event_loop
from ..other_loops import Replace

MODULES = coroutines, locks, queues, streams, subprocess, tasks
GONE = {"coroutine": (coroutines, tasks), "async_": (tasks,), "JoinableQueue": (queues,)}  # and where they were


def restore(replace: Replace) -> None:
    """Have every name of `compat.legacy` stand where asyncio has it, or had it."""
    for name in old.__all__:
        for module in [asyncio, *(GONE.get(name) or (module for module in MODULES if hasattr(module, name)))]:
            replace(module, name, getattr(old, name))
    for module in asyncio, tasks:
        replace(module, "async", old.async_)
    for module in asyncio, events:
        replace(module, "get_event_loop", get_event_loop)
