"""Trees of tasks: a task spawns some children and waits for them; each of these does the same, down to the leaves."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import kernel

from ..contenders import Contender
from ..workload import Figures, Meter
from .family import Program
from .leaves import Idle, Leaves, Memoising, Mixed, Sleep, Waiting

Node = Callable[[int], Coroutine[Any, Any, None]]  # gets the number of levels below it
Leaf = Callable[[], Awaitable[None]]


def by_gather(leaf: Leaf, branches: int) -> Node:

    async def node(below: int) -> None:
        if below == 0:
            await leaf()
        else:
            await asyncio.gather(*[node(below - 1) for _ in range(branches)])

    return node


def by_group(leaf: Leaf, branches: int) -> Node:

    async def node(below: int) -> None:
        if below == 0:
            await leaf()
        else:
            async with asyncio.TaskGroup() as group:
                for _ in range(branches):
                    group.create_task(node(below - 1))

    return node


WAYS = {"gather": by_gather, "TaskGroup": by_group}  # in which a parent waits for its children


def size(levels: int, branches: int) -> int:
    """How many tasks are below the root."""
    return sum(branches ** level for level in range(1, levels + 1))


class Tree(Program):
    """A tree of asyncio's tasks. The main task does the work of the root."""

    start = ""  # for the name and for the title, where tasks do not start as usual
    words = ""

    def __init__(self, way: str, leaves: Leaves, levels: int = 6, branches: int = 6) -> None:
        super().__init__(f"tree-{self.start}{way.lower()}-{leaves.name}-{levels}x{branches}",
                         f"{levels} levels of {branches}, {self.words}{way}: {leaves.words}",
                         size(levels, branches), size(2, branches))
        self.make_node = WAYS[way]
        self.leaves = leaves
        self.full_levels = self.levels = levels
        self.branches = branches

    def sample(self, contender: Contender, quick: bool) -> Figures:
        self.levels = 2 if quick else self.full_levels
        return super().sample(contender, quick)

    async def grow(self, meter: Meter, node: Node, sleep: Sleep) -> None:
        self.leaves.prepare(sleep, self.branches ** self.levels)
        with meter:
            await node(self.levels)
        self.leaves.check()

    async def on_asyncio(self, meter: Meter) -> None:
        await self.grow(meter, self.make_node(self.leaves.leaf, self.branches), asyncio.sleep)


class LazyTree(Tree):
    """Children run when their parent waits for them. The other libraries have no `gather`: they take a task group."""

    async def on_kernel(self, meter: Meter) -> None:
        leaf, branches = self.leaves.leaf, self.branches

        async def node(below: int) -> None:
            if below == 0:
                await leaf()
            else:
                async with kernel.TaskGroup() as group:
                    for _ in range(branches):
                        await group.spawn(node(below - 1))

        await self.grow(meter, node, kernel.sleep)

    async def on_trio(self, meter: Meter, trio: Any) -> None:
        leaf, branches = self.leaves.leaf, self.branches

        async def node(below: int) -> None:
            if below == 0:
                await leaf()
            else:
                async with trio.open_nursery() as nursery:
                    for _ in range(branches):
                        nursery.start_soon(node, below - 1)

        await self.grow(meter, node, trio.sleep)

    async def on_curio(self, meter: Meter, curio: Any) -> None:
        leaf, branches = self.leaves.leaf, self.branches

        async def node(below: int) -> None:
            if below == 0:
                await leaf()
            else:
                async with curio.TaskGroup() as group:
                    for _ in range(branches):
                        await group.spawn(node, below - 1)

        await self.grow(meter, node, curio.sleep)


LEAVES = (Idle(), Waiting(), Memoising(), Mixed())
TREES: list[Tree] = [*(LazyTree(way, leaves) for way in WAYS for leaves in LEAVES),
                     *(LazyTree(way, Idle(), *shape) for way in WAYS for shape in ((14, 2), (2, 170)))]

if sys.version_info >= (3, 12):

    def start_eagerly(loop: asyncio.AbstractEventLoop, code: Coroutine[Any, Any, Any], *, eager_start: bool = True,
                      **details: Any) -> asyncio.Task[Any]:
        """What `asyncio.eager_task_factory` does. That of Python 3.13.0 refuses the `eager_start` that uvloop passes."""
        return asyncio.Task(code, loop=loop, eager_start=True, **details)

    class EagerTree(Tree):
        """A child runs until it waits for the first time, before its parent goes on. Only asyncio has such tasks.

        It is made as by `asyncio.eager_task_factory`: of asyncio's own class, or of compat's where that is installed.
        """

        start = "eager-"
        words = "eager "

        async def on_asyncio(self, meter: Meter) -> None:
            asyncio.get_running_loop().set_task_factory(start_eagerly)
            await super().on_asyncio(meter)

    TREES += [EagerTree(way, leaves) for way in WAYS for leaves in LEAVES]
