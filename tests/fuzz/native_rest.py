"""What must hold when no task can run: nobody is left waiting for what is there already; and at the end nothing is left."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import kernel
from kernel import Kernel, Poller, Task, VirtualClock
from kernel.poller import Event

from .native_world import World


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
    for task in world.kernel.by_age():
        request: Any = task.blocked_on
        if task.state != "blocked":
            world.violation(f"{task} is {task.state}, and the kernel idle")
        elif isinstance(request, kernel.Waitable) and request.done():
            world.violation(f"{task} waits for {request!r}, which is done")
    for lock in [*world.locks, *(condition.lock for condition in world.conditions)]:
        holders = world.holders.get(lock, [])
        if lock.owner is None and (lock.line or holders) or lock.owner is not None and lock.owner not in holders:
            world.violation(f"{lock!r} has {len(lock.line)} in line, and is held by {holders}")
    for semaphore in world.semaphores:
        if semaphore.value and semaphore.line:
            world.violation(f"{semaphore!r}: a unit that nobody gets")
        if semaphore.value + world.units.get(semaphore, 0) != semaphore.maximum:
            world.violation(f"{semaphore!r}: {world.units.get(semaphore, 0)} in use, of {semaphore.maximum}")
    for event in world.events:
        if event.is_set() and event.waiters:
            world.violation("tasks wait for an event that is set")
    for barrier in world.barriers:
        if barrier.broken and barrier.waiters or len(barrier.waiters) >= barrier.parties:
            world.violation(f"tasks wait at {barrier!r}")
    for queue in world.queues:
        if queue.getters and (queue.items or queue.closed) or queue.putters and (queue.closed or not queue.full()):
            world.violation(f"{queue!r}: {len(queue.getters)} wait to get, {len(queue.putters)} to put")
        if queue.joiners and not queue.unfinished:
            world.violation(f"{queue!r}: tasks wait for it to be done, and it is")
        if queue.full() and len(queue.items) > queue.maxsize:
            world.violation(f"{queue!r} holds more than it may")


def check_left(world: World) -> None:
    """After the run, before the kernel is closed."""
    runner = world.kernel
    if runner.by_age() or len(runner.ready) or len(runner.timers) or runner.poller.watching():
        world.violation(f"left at the end: {runner.by_age()}, {len(runner.ready)} ready, {len(runner.timers)} timers")


def check_end(world: World) -> None:
    """After all that: nothing is held, and nothing is lost."""
    if world.abandoned:
        return
    check_rest(world)
    for lock in [*world.locks, *(condition.lock for condition in world.conditions)]:
        if lock.locked():
            world.violation(f"{lock!r} at the end")
    for condition in world.conditions:
        if condition.waiters:
            world.violation(f"{condition!r} at the end")
    check_items(world)
    check_failures(world)


def check_items(world: World) -> None:
    """Each item that was put is in its queue or was got; and no other is."""
    inside = [item for queue in world.queues for item in queue.items]
    for item in inside:
        if world.items[item] != "put" or inside.count(item) > 1:
            world.violation(f"item {item} is in a queue, and was {world.items[item]}")
    for item, state in world.items.items():
        if state == "put" and item not in inside:
            world.violation(f"item {item} was put, and is nowhere")
        if state == "being put":
            world.violation(f"item {item} is neither put nor refused")


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
