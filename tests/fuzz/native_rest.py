"""What must hold when no task can run: nobody waits for what is there already. And at the end nothing is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import kernel
from kernel import Kernel, Poller, Task, VirtualClock
from kernel.devices.protocols import Event

from .native_world import Get, Put, World


class WatchedClock(VirtualClock):
    """Looks round whenever no task can run."""

    world: World

    def idle(self, poller: Poller, deadline: float, busy_outside: bool) -> Iterable[Event]:
        if not (self.world.kernel.ready or self.world.abandoned):
            check_rest(self.world)
        return super().idle(poller, deadline, busy_outside)


class WatchedKernel(Kernel):
    """Looks round when it raises `Deadlock`."""

    world: World

    def turn(self, until: float = float("inf")) -> None:
        try:
            super().turn(until)
        except kernel.Deadlock:
            if not self.world.abandoned:
                check_rest(self.world)
                for task in self.by_age():
                    if "Sleep" in repr(task.blocked_on):
                        self.world.violation(f"a deadlock was raised while {task} sleeps")
            raise


def check_rest(world: World) -> None:
    """No task can run: is that so for good reasons?"""
    at_barriers: Counter[kernel.Barrier] = Counter()
    for task in world.kernel.by_age():
        if task.state != "blocked":
            world.violation(f"{task} is {task.state}, and the kernel idle")
        waits = world.record(task).waits
        target = waits[-1] if waits else None
        if there_is(target):
            world.violation(f"{task} is blocked, and there is what it waits for: {target!r}")
        if isinstance(target, kernel.Barrier):
            at_barriers[target] += 1
    for barrier, waiting in at_barriers.items():
        if waiting >= barrier.parties:
            world.violation(f"{waiting} tasks wait at a barrier for {barrier.parties}")
    for lock in [*world.locks, *(condition.lock for condition in world.conditions)]:
        holders = world.holders.get(lock, [])
        if lock.locked() != bool(holders):
            world.violation(f"{lock!r} is held by {holders}")
    for semaphore, maximum in world.maxima.items():
        if semaphore.locked() != (world.units.get(semaphore, 0) == maximum):
            world.violation(f"{semaphore!r}: {world.units.get(semaphore, 0)} in use, of {maximum}")
    for queue in world.queues:
        if 0 < queue.maxsize < queue.qsize():
            world.violation(f"{queue!r} holds more than it may")


def there_is(target: object) -> bool:
    """Whether what a task waits for is there."""
    match target:
        case kernel.Waitable():
            return target.done()
        case kernel.Event():
            return target.is_set()
        case kernel.Lock() | kernel.Semaphore():
            return not target.locked()
        case Put(queue):
            return not queue.full()
        case Get(queue):
            return not queue.empty()
        case _:
            return False


def check_left(world: World) -> None:
    """After the run, before the kernel is closed. A call may be left in the ready queue: closing makes it."""
    runner = world.kernel
    if runner.by_age() or len(runner.timers) or runner.poller.watching():
        world.violation(f"left at the end: {runner.by_age()}, {len(runner.timers)} timers")


def check_end(world: World) -> None:
    """After all that: nothing is held, and nothing is lost."""
    if world.abandoned:
        return
    check_rest(world)
    for lock in [*world.locks, *(condition.lock for condition in world.conditions)]:
        if lock.locked():
            world.violation(f"{lock!r} at the end")
    check_items(world)
    check_failures(world)


def check_items(world: World) -> None:
    """Each item that was put is in its queue or was got; and no other is."""
    inside = [item for queue in world.queues for item in drain(world, queue)]
    for item in inside:
        if world.items[item] != "put" or inside.count(item) > 1:
            world.violation(f"item {item} is in a queue, and was {world.items[item]}")
    for item, state in world.items.items():
        if state == "put" and item not in inside:
            world.violation(f"item {item} was put, and is nowhere")
        if state == "being put":
            world.violation(f"item {item} is neither put nor refused")


def drain(world: World, queue: kernel.Queue[Any]) -> Iterator[Any]:
    try:
        while True:
            yield queue.get_nowait()
    except (kernel.QueueEmpty, kernel.QueueClosed):
        pass
    except TypeError as error:
        world.violation(f"{queue!r} holds what cannot be got: {error}")


def check_failures(world: World) -> None:
    """Each failure that has ended a task was then seen by another task, or reported, once."""
    for number, fates in world.fates.items():
        ended = [place for place, (fate, _) in enumerate(fates) if fate == "ended a task"]
        if not ended:
            continue
        task: Task[Any] = fates[ended[-1]][1]
        after = [who for fate, who in fates[ended[-1]:] if fate in ("seen", "reported") and who is not task]
        if not after:
            world.violation(f"failure {number}, with which {task} has ended, has reached nobody")
        if [fate for fate, _ in fates].count("reported") > len(ended):
            world.violation(f"failure {number} was reported more often than tasks have ended with it")
