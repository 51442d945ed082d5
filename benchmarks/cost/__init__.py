"""What things cost that are there: memory, the time until a program begins, and the time a timer comes too
late."""

from __future__ import annotations

from .depth import Depth
from .lateness import Lateness
from .memory import IdleConnection, IdleTask, IdleTimer
from .starting import Import, RunNothing

WORKLOADS = [IdleTask(), IdleTimer(), IdleConnection(), Import(), RunNothing(), Lateness(), Depth()]
