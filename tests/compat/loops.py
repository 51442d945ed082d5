"""What tests do with a loop of compat: give its kernel devices, and see what its exception handler is told."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import compat
import kernel
from compat.events import EventLoop


Reports = list[dict[str, Any]]


def note_reports() -> Reports:
    """Have the running loop's exception handler do nothing but add to the list that is returned."""
    reports: Reports = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reports.append(context))
    return reports


def run(main: Coroutine[Any, Any, Any], **devices: Any) -> Any:
    """Run a program on a loop of ours with these devices of the kernel's; virtual time by default."""
    if not devices:
        devices["clock"] = kernel.VirtualClock()
    with compat.Runner(loop_factory=lambda: EventLoop(**devices)) as runner:
        return runner.run(main)
