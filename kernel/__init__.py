"""A micro-kernel for coroutines: tasks that make syscalls by yielding them, and a trampoline that steps them.

    from kernel import run, spawn

    async def main():
        task = await spawn(work())
        return await task

    run(main())

To read the source, begin with `task.py` (the trampoline), then `syscalls.py`, `waitable.py`, `core.py` (the scheduler)
and `timers.py`. The folders stand on these files, but for `devices`, which they stand on. Nothing knows of asyncio.
"""

from os import environ as _environ
from sys import flags as _flags
from typing import TYPE_CHECKING

from .core import Kernel, run
from .deadlock import Deadlock
from .devices import Clock, MonotonicClock, Poller, ReadyQueue, VirtualClock
from .syscalls import (Syscall, call, checkpoint, current_task, now, sleep, sleep_until, spawn, wait_readable,
                       wait_writable)
from .task import Cancelled, Task, cancel
from .waitable import Waitable, wait

if TYPE_CHECKING:
    from .host.files import File, Path, open_file
    from .host.processes import Process, open_process, run_process
    from .host.signals import Signals, catch_signals
    from .insight.watching import Observer
    from .net.connecting import open_connection, open_unix_connection
    from .net.datagrams import Datagrams, open_datagram
    from .net.endpoints import EndpointClosed
    from .net.reading import IncompleteRead, LimitOverrun
    from .net.serving import Server, serve, serve_unix
    from .net.streams import Stream
    from .sim.claims import always, eventually, sometimes
    from .sim.native import explore, simulate
    from .sync.barriers import Barrier, BrokenBarrier
    from .sync.conditions import Condition
    from .sync.events import Event
    from .sync.groups import TaskGroup
    from .sync.locks import Lock, RLock
    from .sync.queues import LifoQueue, PriorityQueue, Queue, QueueClosed, QueueEmpty, QueueFull
    from .sync.semaphores import Semaphore
    from .sync.shields import Shielded, shielded
    from .sync.timeouts import Timeout, timeout, timeout_at
    from .sync.universal_queues import UniversalQueue
    from .workers.processes import run_in_process
    from .workers.questions import call_in_kernel
    from .workers.threads import limit_threads, run_in_thread

__all__ = ["Barrier", "BrokenBarrier", "Cancelled", "Clock", "Condition", "Datagrams", "Deadlock", "EndpointClosed",
           "Event", "File", "IncompleteRead", "Kernel", "LifoQueue", "LimitOverrun", "Lock", "MonotonicClock",
           "Observer", "Path", "Poller", "PriorityQueue", "Process", "Queue", "QueueClosed", "QueueEmpty", "QueueFull",
           "RLock", "ReadyQueue", "Semaphore", "Server", "Shielded", "Signals", "Stream", "Syscall", "Task",
           "TaskGroup", "Timeout", "UniversalQueue", "VirtualClock", "Waitable", "always", "call", "call_in_kernel",
           "cancel", "catch_signals", "checkpoint", "current_task", "eventually", "explore", "limit_threads", "now",
           "open_connection", "open_datagram", "open_file", "open_process", "open_unix_connection", "run",
           "run_in_process", "run_in_thread", "run_process", "serve", "serve_unix", "shielded", "simulate", "sleep",
           "sleep_until", "sometimes", "spawn", "timeout", "timeout_at", "wait", "wait_readable", "wait_writable"]

# Loaded at the first use of a name: these modules, and what they import, would take longer than the rest: `import`.
_LATER = {"host.files": "File Path open_file", "host.processes": "Process open_process run_process",
          "host.signals": "Signals catch_signals", "insight.watching": "Observer",
          "net.connecting": "open_connection open_unix_connection", "net.datagrams": "Datagrams open_datagram",
          "net.endpoints": "EndpointClosed", "net.reading": "IncompleteRead LimitOverrun",
          "net.serving": "Server serve serve_unix", "net.streams": "Stream",
          "sim.claims": "always eventually sometimes", "sim.native": "explore simulate",
          "sync.barriers": "Barrier BrokenBarrier",
          "sync.conditions": "Condition", "sync.events": "Event", "sync.groups": "TaskGroup",
          "sync.locks": "Lock RLock", "sync.queues": "LifoQueue PriorityQueue Queue QueueClosed QueueEmpty QueueFull",
          "sync.semaphores": "Semaphore", "sync.shields": "Shielded shielded",
          "sync.timeouts": "Timeout timeout timeout_at", "sync.universal_queues": "UniversalQueue",
          "workers.processes": "run_in_process", "workers.questions": "call_in_kernel",
          "workers.threads": "limit_threads run_in_thread"}

if not TYPE_CHECKING:
    def __getattr__(name):
        if name in ("insight", "sim"):  # folders whose names are not all here
            return __import__(f"{__name__}.{name}", fromlist=[name])
        for module, names in _LATER.items():
            if name in names.split():
                value = getattr(__import__(f"{__name__}.{module}", fromlist=[name]), name)
                return globals().setdefault(name, value)  # another thread may have set it meanwhile
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        return sorted({*globals(), *__all__})

if "TRAMPOLINE_INSIGHT" in _environ:
    from .serving.service import offer_if_asked
    offer_if_asked()

if _flags.dev_mode:
    from .insight.development import begin as _begin
    _begin()
