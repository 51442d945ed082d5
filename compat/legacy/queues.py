"""asyncio's queues, with `loop=` arguments; and `JoinableQueue`."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from .arguments import LoopArgument

T = TypeVar("T")


class Queue(LoopArgument, asyncio.Queue[T]):
    __doc__ = asyncio.Queue.__doc__


class PriorityQueue(LoopArgument, asyncio.PriorityQueue[T]):  # type: ignore[type-var]
    __doc__ = asyncio.PriorityQueue.__doc__


class LifoQueue(LoopArgument, asyncio.LifoQueue[T]):
    __doc__ = asyncio.LifoQueue.__doc__


JoinableQueue = Queue  # its name until Python 3.4
