"""What asyncio has dropped since Python 3.4. Each name behaves as in the last Python that had it, warning included.

A name that asyncio still has stands for asyncio's own, and adds the old ways: generators for coroutines, and `loop=`
arguments. `wait()` takes coroutines, and `with (yield from lock)` works. Other names are gone from asyncio: `@coroutine`,
`async_` and `JoinableQueue`. `compat.Task` has `all_tasks()` and `current_task()` for every program, and
`compat.get_event_loop()` makes a loop for every program, so these are in `tasks.py` and `current_loop.py`. The facts are
from the sources of Python 3.4 to 3.10.
"""

from __future__ import annotations

from ..tasks import Task
from .coroutines import coroutine, iscoroutine
from .functions import (as_completed, async_, create_subprocess_exec, create_subprocess_shell, create_task, ensure_future,
                        gather, open_connection, open_unix_connection, run_coroutine_threadsafe, shield, sleep,
                        start_server, start_unix_server, wait, wait_for)
from .locks import BoundedSemaphore, Condition, Event, Lock, Semaphore
from .queues import JoinableQueue, LifoQueue, PriorityQueue, Queue

__all__ = ["BoundedSemaphore", "Condition", "Event", "JoinableQueue", "LifoQueue", "Lock", "PriorityQueue", "Queue",
           "Semaphore", "Task", "as_completed", "async_", "coroutine", "create_subprocess_exec",
           "create_subprocess_shell", "create_task", "ensure_future", "gather", "iscoroutine", "open_connection",
           "open_unix_connection", "run_coroutine_threadsafe", "shield", "sleep", "start_server", "start_unix_server",
           "wait", "wait_for"]
