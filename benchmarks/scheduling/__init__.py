"""What tasks cost: switching, spawning, waiting for each other, timers, cancellation.

Every class is one workload. Most do it in `on_each`, once for all dialects. Where the dialects differ in the measured
loop itself, each has a method of its own: anything shared in there would be measured too. Where a library has no such
thing, the class takes the nearest thing that users of the library would write, or leaves the library out.

What counts is inside `with meter:`, or between `meter.start()` and `meter.stop()` where the end of an `async with`
waits for the tasks.
"""

from __future__ import annotations

from .calls import CallSoon, Threads
from .cancelling import Cancel, Timeout, WaitFor, WaitForFuture
from .spawning import AsCompleted, Gather, Group, Spawn, Wait
from .switching import Contexts, Switch
from .timers import EqualSleepers, Firing, KeepAlive, Sleepers
from .waiting import Broadcast, Condition, Lock, PingPong, Queue, Semaphore

WORKLOADS = [Switch(1), Switch(100), Switch(10_000), Spawn(), Gather(), Group(), Wait(), AsCompleted(), PingPong(),
             Queue(1), Queue(1000), Lock(), Semaphore(), Condition(), Broadcast(), Cancel(), Timeout(), WaitFor(),
             WaitForFuture(), CallSoon(), KeepAlive(), Firing(), EqualSleepers(), Sleepers(), Threads(), Contexts()]
