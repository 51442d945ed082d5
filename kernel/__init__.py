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
from .files import File, Path, open_file
from .observer import Observer
from .poller import Poller
from .queues import LifoQueue, PriorityQueue, Queue, QueueClosed, QueueEmpty, QueueFull, UniversalQueue
from .scopes import Shielded, TaskGroup, Timeout, shielded, timeout, timeout_at
from .signals import Signals, catch_signals
from .sync import Barrier, BrokenBarrier, Condition, Event, Lock, RLock, Semaphore
from .syscalls import (Syscall, call, cancel, checkpoint, current_task, now, sleep, sleep_until, spawn, wait_readable,
                       wait_writable)
from .task import Cancelled, Task
from .threads import call_in_kernel, limit_threads, run_in_process, run_in_thread
from .waitable import Waitable, wait

__all__ = ["Barrier", "BrokenBarrier", "Cancelled", "Clock", "Condition", "Deadlock", "Event", "File", "Kernel",
           "LifoQueue", "Lock", "MonotonicClock", "Observer", "Path", "Poller", "PriorityQueue", "Queue", "QueueClosed",
           "QueueEmpty", "QueueFull", "RLock", "ReadyQueue", "Semaphore", "Shielded", "Signals", "Syscall", "Task",
           "TaskGroup", "Timeout", "UniversalQueue", "VirtualClock", "Waitable", "call", "call_in_kernel", "cancel",
           "catch_signals", "checkpoint", "current_task", "limit_threads", "now", "open_file", "run", "run_in_process",
           "run_in_thread", "shielded", "sleep", "sleep_until", "spawn", "timeout", "timeout_at", "wait",
           "wait_readable", "wait_writable"]
