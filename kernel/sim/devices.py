"""The devices of a kernel in a simulated run: a clock, a ready queue, timers and a poller, with choices in them.

Order is kept: what is ready runs in the order in which it became ready, as asyncio promises it. What is chosen is what
a real machine chooses, which is when time passes:

- A *stall*: a step takes long, by choice a moment, or until the next deadline, or a later one, if that is near. The
  kernel looks outside after that step (an event loop after that batch), as it may do after any step in a process where
  other tasks run as well.
- *Late*: while nothing is ready, the process sleeps beyond the deadline for which it is to be woken, to a later one.
- *Apart*: two deadlines that are equal in virtual time come one after the other, each in a turn of its own. On a real
  clock no two deadlines are equal, but where a program gives one and the same number to two timers; they stay together.

Else time passes only while nothing is ready, but for a little after many steps without a pause. Without that a program
that looks again and again whether something has happened would look for ever.
"""

from __future__ import annotations

import math
from collections import deque
from heapq import heappop, nsmallest
from operator import itemgetter
from random import Random
from typing import Any

from ..core import Kernel
from ..deadlock import Deadlock
from ..devices import Event, Poller
from ..failures import fire_failed
from ..timers import Timers
from .choices import Choices
from .network.asked import Thread
from .network.hosts import life_of
from .network.wires import Network
from .refusals import NO_DESCRIPTORS

MOST_ITEMS = 200  # of the ready queue among which one is chosen, where any order goes
MANY_STEPS, STEP = 1000, 1e-5  # steps without a pause, and how many seconds each of so many takes
MANY_READS = 10_000  # of the clock: a program that reads it so often may be waiting for it
MOMENT = 0.001  # seconds: a stall that reaches no deadline, and has what is set after it come later than the rest


class EndlessRun(RuntimeError):
    """A run has made more steps than it may."""


class World:
    """What the devices of all kernels of one run share: the choices, the time, and how far the choices go.

    `reach` is how many pending deadlines ahead a step may take at most, and `longest_stall` how many seconds; `order`
    is "kept" or "any". A run of more than `most_steps` is taken for one that does not end.
    """

    def __init__(self, choices: Choices, reach: int, order: str, longest_stall: float, most_steps: int) -> None:
        self.choices = choices
        self.clock = SimulatedClock(self)
        self.reach = reach
        self.fifo = order == "kept"
        self.longest_stall = longest_stall
        self.most_steps = most_steps
        self.steps = 0
        self.next_check = 0  # how many steps there will have been
        self.log: list[Any] = []  # of all steps, where they are noted
        self.network = Network(self)

    def check_steps(self, kernel: Kernel) -> None:
        """Many steps were made and no time has passed. Have it pass, and end a run that has made too many.

        The shutdown of that run may make as many once more.
        """
        if self.steps > self.most_steps:
            self.most_steps += self.steps
            raise EndlessRun(f"the run has made {self.steps - 1:,} steps, up to {self.clock.time:g} s of virtual time, "
                             "and does not seem to end; give a larger most_steps=, or have the program end")
        if self.next_check:
            self.clock.time += MANY_STEPS * STEP
            kernel.end_turn()
        self.expect_steps()

    def expect_steps(self) -> None:
        """Time has passed."""
        self.next_check = min(self.steps + MANY_STEPS, self.most_steps)

    def thread(self) -> Thread | None:
        """The thread that runs now; None for the run's own."""
        return None

    def random(self) -> Random:
        """Where random numbers of the run come from: its seed."""
        raise NotImplementedError

    def refuse(self, what: str, why: str = NO_DESCRIPTORS) -> BaseException:
        """The error of a program that did `what`, which cannot be simulated, and `why`."""
        return RuntimeError(f"a simulated run refuses {what}: {why}")

    def idle(self, kernel: Kernel) -> None:
        """Nothing is ready in `kernel`, and time is about to pass."""

    def deviated(self, kernel: Kernel, began: float, about: list[Any]) -> None:
        """A choice was made that is not the quiet one; `about` are the timers, or the item, that it concerns."""

    def deviated_outside(self, subject: Any, what: str) -> None:
        """A choice of the network's was made that is not the quiet one: `what` became of `subject`."""

    def options_after(self, after: float, within: float) -> int:
        """How many deadlines a choice may name that come after that time; 0 if none comes within so many seconds."""
        near = after + within
        pending, any_near = 0, False
        heaps: list[list[Any]] = [self.network.coming, *(poller.kernel.timers.heap for poller in self.network.pollers)]
        for heap in heaps:
            if heap:
                pending += len(heap)
                if heap[0][0] <= after:  # the next is one of the two after it
                    pending -= 1
                    any_near = any_near or any(entry[0] <= near for entry in heap[1:3])
                elif heap[0][0] <= near:
                    any_near = True
        return min(pending, self.reach) if any_near else 0

    def deadline_after(self, after: float, number: int, within: float) -> float | None:
        """The deadline with that number after the time `after`, or the last one; None if none is within reach.

        Equal deadlines count once.
        """
        until = after + within
        moments = {entry[0] for entry in self.network.coming if after < entry[0] <= until}
        for poller in self.network.pollers:
            moments.update(deadline for deadline, _, timer in poller.kernel.timers.heap
                           if after < deadline <= until and not timer.dead)
        nearest = nsmallest(number, moments)
        return nearest[-1] if nearest else None


by_deadline = itemgetter(0, 1)  # and those of one deadline in the order in which they were added


class SimulatedTimers(Timers):
    """Timers of which those with one deadline may fire in turns of their own."""

    __slots__ = ("_world",)

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def before(self, until: float) -> list[Any]:
        """The packets that arrive, and the timers that fire, when it is `until`, in their order."""
        packets = [entry[3] for entry in sorted(self._world.network.coming, key=by_deadline) if entry[0] <= until]
        return packets + [timer for deadline, _, timer in sorted(self.heap, key=by_deadline)
                          if deadline <= until and not timer.dead]

    def expire(self, kernel: Kernel, now: float) -> None:
        heap = self.heap
        last: float | None = None  # the deadline of the one that has fired last
        while heap and heap[0][0] <= now:
            deadline, _, timer = heap[0]
            if timer.dead:
                heappop(heap)
                self._dead -= 1
                continue
            # One object is one number of the program's, and not two looks at the clock that showed the same.
            if deadline == last and deadline is not last and self._world.choices.choose("apart", 2, timer):
                self._world.deviated(kernel, now, [timer])
                kernel.end_turn()
                return
            heappop(heap)
            last, self.late = deadline, now - deadline
            timer.dead = True
            kernel.firing = timer
            try:
                timer.fire(kernel)
            except BaseException as error:
                fire_failed(kernel, timer, error)


class SimulatedQueue(deque[Any]):
    """A ready queue in which a step may take long."""

    simulated = True

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self._choose = world.choices.choose
        self.kernel: Kernel
        self.timers: SimulatedTimers

    def popleft(self) -> Any:
        world = self._world
        world.steps += 1
        if world.steps > world.next_check:
            world.check_steps(self.kernel)
        # Taken out at the end: a choice may be refused, and the shutdown has to find the item.
        place = 0 if world.fifo or len(self) == 1 else self._any()
        item = self[place]
        heap, coming = self.timers.heap, world.network.coming
        if heap or coming:
            near = world.clock.time + world.longest_stall
            near_one = heap and heap[0][0] <= near or coming and coming[0][0] <= near
            value = self._choose("stall", 2 + (min(len(heap) + len(coming), world.reach) if near_one else 0), item)
            if value:
                self._stall(value)
        if place:
            del self[place]
        else:
            deque.popleft(self)
        if world.network.crashed and (life := life_of(item)) is not None and life.dead:
            return NOTHING
        return item

    def _any(self) -> int:
        """The place of any of the items, by choice: where not even the order is to be kept."""
        place = self._world.choices.choose("order", min(len(self), MOST_ITEMS), self[0])
        if place:
            self._world.deviated(self.kernel, self._world.clock.time, [self[place]])
        return place

    def _stall(self, value: int) -> None:
        """Have the step that is about to be made take long."""
        clock = self._world.clock
        began = clock.time
        reached = None if value == 1 else self._world.deadline_after(began, value - 1, self._world.longest_stall)
        clock.time = began + MOMENT if reached is None else reached
        self._world.deviated(self.kernel, began, self.timers.before(clock.time))
        self.kernel.end_turn()


class SimulatedClock:
    """Virtual time, for all kernels of a run. It passes while nothing can run, in stalls, and in blocking sleeps."""

    def __init__(self, world: World) -> None:
        self.time = 0.0
        self._reads = 0
        self._world = world

    def now(self) -> float:
        return self.time

    def read(self) -> float:
        """What `time.monotonic` and the like show. To read a clock takes time, so that waiting for it has an end."""
        self._reads += 1
        if self._reads % MANY_READS == 0:
            self.time += MOMENT
        return self.time

    def pass_time(self, seconds: float) -> None:
        """The step that runs takes so long."""
        self.time += max(0.0, seconds)

    def idle(self, poller: Poller, deadline: float, busy_outside: bool) -> list[Event]:
        kernel = poller.kernel  # type: ignore[attr-defined]  # it is one of ours
        if kernel.calls.waiting or kernel.ready:
            return []
        if events := poller.poll(0.0):
            return events
        world = self._world
        world.idle(kernel)
        deadline = min(deadline, world.network.next_time())
        if deadline == math.inf:
            error = Deadlock("nothing is left that could wake the blocked tasks", kernel.everyone())
            if kernel.tap is not None:
                kernel.tap.deadlock(error)
            raise error
        if deadline > self.time:
            began, self.time = self.time, deadline
            world.expect_steps()
            if near := world.options_after(deadline, world.longest_stall):
                value = world.choices.choose("late", 1 + near)
                if value:
                    self.time = world.deadline_after(deadline, value, world.longest_stall) or deadline
                    world.deviated(kernel, began, kernel.timers.before(self.time))
        return poller.poll(0.0)


class Nothing:
    """What runs in the place of something whose host has crashed."""

    def run(self, kernel: Kernel) -> None:
        kernel.leave_task()


NOTHING = Nothing()
