"""What tasks cost: switching, spawning, waiting for each other, timers, cancellation.

Every class is one piece of work, done in the words of each dialect; where a library has no such thing the nearest that
its users would write is taken, or there is no method. Only what is inside `with meter:` counts, or, where a nursery has
to be waited for, between `meter.start()` and `meter.stop()`.
"""

from __future__ import annotations

from .calls import CallSoon, Threads
from .cancelling import Cancel, Timeout, WaitFor
from .spawning import Gather, Group, Spawn
from .switching import Contexts, Switch
from .timers import KeepAlive, Sleepers
from .waiting import Broadcast, Lock, PingPong, Queue

WORKLOADS = [Switch(1), Switch(100), Switch(10_000), Spawn(), Gather(), Group(), PingPong(), Queue(1), Queue(1000),
             Lock(), Broadcast(), Cancel(), Timeout(), WaitFor(), CallSoon(), KeepAlive(), Sleepers(), Threads(),
             Contexts()]
