"""A program on asyncio's own loop and on compat's: what happens has to be the same, to the order.

In virtual time both loops have a clock that jumps to the next deadline when nothing is ready. In real time a program's
delays are all either over or never: so its order, too, does not depend on how fast the machine is.
"""

from __future__ import annotations

import asyncio
import gc
import heapq
import io
import logging
import re
import selectors
import sys
from contextlib import redirect_stderr
from dataclasses import dataclass
from itertools import count, zip_longest
from typing import Any

import compat
from compat.events import EventLoop
from kernel import VirtualClock

from .asyncio_world import World, in_order

LIMIT = 1000.0  # seconds on the virtual clock, after which a program is stuck
PATIENCE = 0.05  # seconds of real time, likewise
ITERATIONS = 3000  # of asyncio's loop; a program has some hundreds
ROUNDS = 4  # how often what is left is cancelled at the end


@dataclass(frozen=True)
class Run:
    """What there was to see of one run."""

    trace: list[str]
    reports: list[str]
    ended: str  # the exception that ended the loop, if one did


class Endless(BaseException):
    """A program goes on and on: two tasks, say, that wait for each other and cancel each other."""


class CountingSelector(selectors.DefaultSelector):
    """Ends a program that goes on and on: asyncio calls this once in each iteration of its loop."""

    iterations = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.iterations += 1
        if self.iterations > ITERATIONS:
            raise Endless
        return super().select(timeout)


class JumpingSelector(CountingSelector):
    """Lets the clock jump where it would wait."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if not events and timeout is not None and timeout > 0:
            self.now += timeout
        return events


class OrderedTimer(asyncio.TimerHandle):
    """One of several timers with the same deadline that is called in its turn.

    asyncio's heap has them in any order; the kernel's timers keep to that in which they were set.
    """

    __slots__ = ("number",)
    numbers = count()
    number: int

    def __lt__(self, other: asyncio.TimerHandle) -> bool:
        assert isinstance(other, OrderedTimer)
        return (self.when(), self.number) < (other.when(), other.number)


class JumpingLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop, in virtual time."""

    _scheduled: list[asyncio.TimerHandle]

    def __init__(self) -> None:
        self._jumping = JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def call_at(self, when: float, callback: Any, *args: Any,  # type: ignore[override]  # no TypeVarTuple
                context: Any = None) -> asyncio.TimerHandle:
        timer: Any = OrderedTimer(when, callback, args, self, context)
        timer.number = next(OrderedTimer.numbers)
        heapq.heappush(self._scheduled, timer)
        timer._scheduled = True
        return timer  # type: ignore[no-any-return]  # made above


def new_loop(module: Any, real_time: bool) -> asyncio.AbstractEventLoop:
    if module is asyncio:
        return asyncio.SelectorEventLoop(CountingSelector()) if real_time else JumpingLoop()
    return EventLoop() if real_time else EventLoop(clock=VirtualClock())


def run_on(module: Any, source: str, patience: float = LIMIT, *, real_time: bool = False) -> Run:
    """Run a program on the loop of `module`, asyncio or compat."""
    if real_time:
        source = instant(source)
    ended = ""
    gc.disable()
    with redirect_stderr(io.StringIO()):
        logging.disable()
        loop = new_loop(module, real_time)
        try:
            world = World(module, loop)
            loop.set_exception_handler(world.report)
            exec(compile(source, "<program>", "exec"), world.names)
            # Not asyncio.Runner, which at the end waits for every task, without limit.
            for part in drive, clear_away:
                coroutine = part(module, world, patience)
                try:
                    loop.run_until_complete(coroutine)
                except BaseException as error:
                    ended += world.show(error)
                world.closed = True
        finally:
            loop.close()
            logging.disable(logging.NOTSET)
        world.names.clear()
        world.tasks.clear()
        world.nobody = None
        gc.enable()
        gc.collect()
    # A task that has ended the whole run while it was started eagerly is told of by asyncio, and not by compat, where
    # the frames of its first step keep it. So such a failure is compared by whether it is told, not by how often.
    once = "never retrieved SystemExit(3)", "never retrieved KeyboardInterrupt()"
    reports = [line for line, times in sorted(world.reports.items()) for _ in range(1 if line.endswith(once) else times)]
    return Run(world.trace, reports, ended)


def instant(source: str) -> str:
    """The program with all its delays either over or never."""
    source = re.sub(r"asyncio\.sleep\([1-9]", "asyncio.sleep(3600", source)
    source = re.sub(r"loop\.time\(\) \+ [1-9]", "loop.time() + 3600", source)
    source = re.sub(r"call_later\([1-9]", "call_later(3600", source)
    return re.sub(r"(timeout[=(]|wait_for\(.*, )[1-9]", r"\g<1>3600", source)


async def nothing() -> None:
    pass


async def drive(module: Any, world: World, patience: float) -> None:
    """Run the program's main task to its end, then cancel what is left of the others until nothing is."""
    loop = asyncio.get_running_loop()
    me = asyncio.current_task()
    world.nobody = module.create_task(nothing())
    await world.nobody
    world.tasks[0] = main = module.create_task(world.names["body0"]())

    def stuck() -> None:
        world.log("the end", "stuck", *(number for number, task in sorted(world.tasks.items()) if not task.done()))
        for task in in_order(asyncio.all_tasks() - {me}):
            task.cancel("stuck")

    watchdog = loop.call_later(patience, stuck)
    await asyncio.wait([main], timeout=2 * patience)
    watchdog.cancel()
    await asyncio.wait(in_order(asyncio.all_tasks()), timeout=patience / 2)  # which it is itself among: for so long
    world.log("the end", world.attempt(lambda: main.result()) if not main.cancelled() else "cancelled")
    for _ in range(ROUNDS):
        left = in_order(asyncio.all_tasks() - {me})
        if not left:
            break
        for task in left:
            task.cancel("at the end")
        await asyncio.wait(left, timeout=patience)
    world.log("the end", "left", in_order(asyncio.all_tasks() - {me}))
    for number, task in sorted(world.tasks.items()):
        world.log("the end", number, task, task.done() and task.cancelled(), task.cancelling())


async def clear_away(module: Any, world: World, patience: float) -> None:
    """Close the generators that are left half-way."""
    await asyncio.wait([module.create_task(asyncio.get_running_loop().shutdown_asyncgens())], timeout=patience)


def difference(source: str, *, real_time: bool = False) -> str | None:
    """Where the two loops differ, with what came before; None where they agree."""
    for patience in (PATIENCE, 20 * PATIENCE) if real_time else (LIMIT,):
        stock = run_on(asyncio, source, patience, real_time=real_time)
        # asyncio cancels tasks that wait for each other in a circle, by way of gather() or a group, without end, or as
        # far as the stack goes. How far that is differs.
        seen = (*stock.trace, *stock.reports, stock.ended)
        if "Endless()" in stock.ended or any("RecursionError" in line for line in seen):
            return None
        ours = run_on(compat, source, patience, real_time=real_time)
        if stock == ours:
            return None
    time = "real" if real_time else "virtual"
    lines = [f"asyncio and compat differ on Python {sys.version.split()[0]}, in {time} time:"]
    for place, (expected, got) in enumerate(zip_longest(stock.trace, ours.trace, fillvalue="(nothing)")):
        if expected != got:
            lines += [f"    both:    {line}" for line in stock.trace[max(0, place - 12):place]]
            lines += [f"    asyncio: {line}" for line in stock.trace[place:place + 6]]
            lines += [f"    compat:  {line}" for line in ours.trace[place:place + 6]]
            break
    for name, run in ("asyncio", stock), ("compat", ours):
        lines += [f"    {name} reports: {line}" for line in run.reports] if stock.reports != ours.reports else []
        lines += [f"    {name}'s loop ended with {run.ended}"] if stock.ended != ours.ended else []
    return "\n".join(lines)
