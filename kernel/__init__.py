"""A micro-kernel for coroutines: tasks that make syscalls by yielding them, and a trampoline that steps them.

    from kernel import run, sleep, spawn

    async def main():
        task = await spawn(work())
        await sleep(1)
        return await task

    run(main())

To read the source, begin with `task.py` (the trampoline), then `syscalls.py`, `waitable.py`, `core.py` (the scheduler),
`timers.py`, `clock.py` and `poller.py`; the rest stands on those. Nothing here knows of asyncio.
"""

from .clock import Clock, MonotonicClock, VirtualClock
from .core import Kernel, ReadyQueue, run
from .deadlock import Deadlock
from .observer import Observer
from .poller import Poller
from .syscalls import (Syscall, call, cancel, checkpoint, current_task, now, sleep, sleep_until, spawn, wait_readable,
                       wait_writable)
from .task import Cancelled, Task
from .threads import run_in_thread
from .waitable import Waitable, wait

__all__ = ["Cancelled", "Clock", "Deadlock", "Kernel", "MonotonicClock", "Observer", "Poller", "ReadyQueue", "Syscall",
           "Task", "VirtualClock", "Waitable", "call", "cancel", "checkpoint", "current_task", "now", "run",
           "run_in_thread", "sleep", "sleep_until", "spawn", "wait", "wait_readable", "wait_writable"]
