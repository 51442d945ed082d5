"""What tasks cost: this kernel, stock asyncio and, where it is installed, uvloop, measured in turn.

    python benchmarks/switch.py [--rounds N] [--quick]

In every round each of them does the same work, one after the other, so that whatever else the machine does meanwhile
befalls them alike. Times are the process's own processor time, user and system. The table has the median of the rounds
with the lowest and the highest, and the ratio to the kernel, which is formed round by round. --quick does next to
nothing: it shows that the program works, and its figures mean nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import importlib.util
import os
import platform
import random
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable
from dataclasses import dataclass
from itertools import chain
from statistics import median
from typing import Any, Protocol

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)  # the kernel measured is the one that this file lies beside, installed or not

import kernel  # noqa: E402

SEED = 1
Code = Coroutine[Any, Any, None]


@dataclass
class Sizes:
    """How much work a round is."""

    switches: int = 2000  # by each of 100 tasks
    spawns: int = 30_000
    sleepers: int = 50_000
    shortest_sleep: float = 1.5  # seconds, in which the last of the sleepers has to fall asleep
    memory_tasks: int = 20_000
    depth: int = 1_000_000


QUICK = Sizes(switches=5, spawns=50, sleepers=200, shortest_sleep=0.05, memory_tasks=200, depth=5000)


class Contender(Protocol):
    """The pieces of work that are written differently for each."""

    @property
    def name(self) -> str: ...
    @property
    def sleep(self) -> Callable[[float], Awaitable[None]]: ...

    def run(self, main: Coroutine[Any, Any, float]) -> float: ...
    async def spawn_all(self, codes: Iterable[Code]) -> list[Any]: ...
    async def spawn_and_wait(self, count: int) -> None: ...


class OnKernel:
    name = "kernel"
    sleep = staticmethod(kernel.sleep)

    def run(self, main: Coroutine[Any, Any, float]) -> float:
        return kernel.run(main)

    async def spawn_all(self, codes: Iterable[Code]) -> list[Any]:
        return [await kernel.spawn(code) for code in codes]

    async def spawn_and_wait(self, count: int) -> None:
        for _ in range(count):
            await (await kernel.spawn(nothing()))


class OnAsyncio:
    sleep = staticmethod(asyncio.sleep)

    def __init__(self, name: str, new_event_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
        self.name = name
        self._new_event_loop = new_event_loop

    def run(self, main: Coroutine[Any, Any, float]) -> float:
        with asyncio.Runner(loop_factory=self._new_event_loop) as runner:
            return runner.run(main)

    async def spawn_all(self, codes: Iterable[Code]) -> list[Any]:
        return [asyncio.create_task(code) for code in codes]

    async def spawn_and_wait(self, count: int) -> None:
        for _ in range(count):
            await asyncio.create_task(nothing())


def contenders() -> list[Contender]:
    found: list[Contender] = [OnKernel(), OnAsyncio("asyncio", asyncio.SelectorEventLoop)]
    if importlib.util.find_spec("uvloop") is not None:
        found.append(OnAsyncio("uvloop", importlib.import_module("uvloop").new_event_loop))
    return found


async def nothing() -> None:
    pass


async def switch(contender: Contender, sizes: Sizes) -> float:
    """Nanoseconds for each `sleep(0)` of 100 tasks that do nothing else."""
    sleep = contender.sleep

    async def switching() -> None:
        for _ in range(sizes.switches):
            await sleep(0)

    tasks = await contender.spawn_all(switching() for _ in range(100))
    began = time.process_time_ns()
    for task in tasks:
        await task
    return (time.process_time_ns() - began) / (100 * sizes.switches)


async def spawn_and_wait(contender: Contender, sizes: Sizes) -> float:
    """Nanoseconds for spawning a task that does nothing and waiting for it."""
    began = time.process_time_ns()
    await contender.spawn_and_wait(sizes.spawns)
    return (time.process_time_ns() - began) / sizes.spawns


async def sleepers(contender: Contender, sizes: Sizes) -> float:
    """Nanoseconds for each of many tasks that are spawned, sleep all at once, and are waited for."""
    sleep = contender.sleep
    order = random.Random(SEED)
    delays = [sizes.shortest_sleep + order.random() / 2 for _ in range(sizes.sleepers)]
    all_asleep = 0.0

    async def sleeper(delay: float) -> None:
        await sleep(delay)

    async def last() -> None:
        nonlocal all_asleep
        all_asleep = time.monotonic()

    began, began_work = time.monotonic(), time.process_time_ns()
    for task in await contender.spawn_all(chain((sleeper(delay) for delay in delays), [last()])):
        await task
    work = time.process_time_ns() - began_work
    if all_asleep - began > sizes.shortest_sleep:
        print(f"{contender.name}: the first sleepers woke before the last fell asleep; this machine is too slow for "
              f"sleeps of {sizes.shortest_sleep} s", file=sys.stderr)
    return work / sizes.sleepers


async def memory(contender: Contender, sizes: Sizes) -> float:
    """Bytes that Python allocates for a task that sleeps, with its coroutine, its timer, and its place in tables."""

    async def sleeper() -> None:
        await contender.sleep(3600)

    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    tasks = await contender.spawn_all(sleeper() for _ in range(sizes.memory_tasks))
    await contender.sleep(0)  # now all are asleep
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (after - before) / len(tasks)


def nested(depth: int) -> Generator[Any, Any, int]:
    """As many calls, one inside the other."""
    if depth == 0:
        return 0
    inner: int = yield nested(depth - 1)
    return inner + 1


def peak_memory() -> float:
    """The most that this process has ever had in memory, in MiB."""
    try:
        with open("/proc/self/status") as status:
            line = next(line for line in status if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    except FileNotFoundError:
        import resource  # second choice: what it says on Linux starts at the parent's figure

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def depth(sizes: Sizes) -> str:
    """Calls that deep by `yield`, on the kernel: the peak memory of the whole process, and the time each took."""
    began = time.process_time_ns()
    reached = kernel.run(nested(sizes.depth))
    spent = time.process_time_ns() - began
    if reached != sizes.depth:
        raise AssertionError(f"{sizes.depth} nested calls counted {reached}")
    return f"{peak_memory():.0f} MiB at the peak, {spent / sizes.depth:.0f} ns a call"


def in_own_process(arguments: argparse.Namespace, *what: str) -> str:
    command = [sys.executable, os.path.abspath(__file__), *(["--quick"] if arguments.quick else []), *what]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def figure(values: list[float], digits: int) -> str:
    """The median, with the lowest and the highest."""
    return f"{median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def print_row(title: str, measured: dict[str, list[float]]) -> None:
    ours = measured["kernel"]
    cells = [figure(values, 0) for values in measured.values()]
    for name, theirs in measured.items():
        if name != "kernel":
            cells.append(figure([their / our for their, our in zip(theirs, ours)], 2))
    print_cells(title, cells)


def print_cells(title: str, cells: list[str]) -> None:
    print(f"{title:<28}" + "".join(f" {cell:>23}" for cell in cells), flush=True)


def print_table(arguments: argparse.Namespace, sizes: Sizes) -> None:
    found = contenders()
    names = [contender.name for contender in found]
    print(f"{platform.python_implementation()} {platform.python_version()}, {platform.system()}, "
          f"{arguments.rounds} rounds: median (lowest-highest)")
    if "uvloop" not in names:
        print("uvloop is not installed")
    print_cells("", names + [f"{name} / kernel" for name in names[1:]])
    for title, work in (("sleep(0), 100 tasks: ns", switch), ("spawn and wait: ns", spawn_and_wait),
                        (f"{sizes.sleepers:,} sleepers: ns each", sleepers)):
        measured: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(arguments.rounds):
            for contender in found:
                gc.collect()
                measured[contender.name].append(contender.run(work(contender, sizes)))
        print_row(title, measured)
    # Each in a process of its own, where it finds nothing that another has left in Python's free lists.
    print_row("sleeping task: bytes", {name: [float(in_own_process(arguments, "--memory", name))
                                              for _ in range(min(arguments.rounds, 3))] for name in names})
    print(f"{sizes.depth:,} nested calls by yield on the kernel: {in_own_process(arguments, '--depth')}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="how often everything is measured (default: 7)")
    parser.add_argument("--quick", action="store_true", help="do next to nothing; the figures mean nothing")
    parser.add_argument("--memory", metavar="NAME", help="print the bytes a sleeping task takes on NAME, and no more")
    parser.add_argument("--depth", action="store_true", help="print what deep calling on the kernel costs, and no more")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("there has to be a round")
    sizes = QUICK if arguments.quick else Sizes()
    if arguments.memory:
        contender = next(contender for contender in contenders() if contender.name == arguments.memory)
        print(contender.run(memory(contender, sizes)))
    elif arguments.depth:
        print(depth(sizes))
    else:
        print_table(arguments, sizes)


if __name__ == "__main__":
    main()
