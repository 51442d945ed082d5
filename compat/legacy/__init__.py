"""What asyncio has dropped since Python 3.4. Each name behaves as in the last Python that had it, warning included.

Most names are also asyncio's. They do what asyncio's do, and take the old ways as well: generators in the place of
coroutines, `loop=` arguments, coroutines for `wait()`, `with (yield from lock)`. asyncio does not have `coroutine`,
`async_` and `JoinableQueue` any more.

`Task.all_tasks()` and `Task.current_task()` are methods in `tasks.py`. `get_event_loop()`, which makes a loop where
there is none, is in `current_loop.py`, since futures need it. The facts are from the sources of Python 3.4 to 3.10.
"""

from __future__ import annotations

from ..tasks import Task
from .coroutines import coroutine, iscoroutine
from .functions import (as_completed, async_, create_subprocess_exec, create_subprocess_shell, create_task,
                        ensure_future, gather, open_connection, open_unix_connection, run_coroutine_threadsafe, shield,
                        sleep, start_server, start_unix_server, wait, wait_for)
from .locks import BoundedSemaphore, Condition, Event, Lock, Semaphore
from .queues import JoinableQueue, LifoQueue, PriorityQueue, Queue

__all__ = ["BoundedSemaphore", "Condition", "Event", "JoinableQueue", "LifoQueue", "Lock", "PriorityQueue", "Queue",
           "Semaphore", "Task", "as_completed", "async_", "coroutine", "create_subprocess_exec",
           "create_subprocess_shell", "create_task", "ensure_future", "gather", "iscoroutine", "open_connection",
           "open_unix_connection", "run_coroutine_threadsafe", "shield", "sleep", "start_server", "start_unix_server",
           "wait", "wait_for"]
