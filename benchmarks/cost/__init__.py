"""What else there is to pay: memory, the start of a program, late timers, and nested calls."""

from __future__ import annotations

from .depth import Depth
from .lateness import Lateness
from .memory import IdleConnection, IdleTask, IdleTimer
from .starting import Import, RunNothing

WORKLOADS = [IdleTask(), IdleTimer(), IdleConnection(), Import(), RunNothing(), Lateness(), Depth()]
