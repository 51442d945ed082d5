"""What the witness asks of timeouts, shielded sections and task groups: their exits are compared with their bodies'."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import TracebackType
from typing import Any

import kernel
from kernel import Cancelled, Task

from .native_world import World, numbers


class Watched:
    """A scope of a task's, and the witness of how it ends."""

    shield = False

    def __init__(self, world: World, place: str, scope: Any) -> None:
        self.world = world
        self.place = place
        self.scope = scope
        self.delivered = 0  # cancellations that were seen in a shielded section,
        self.allowed = 0  # and those that scopes inside of it have asked for, and which have been left since

    @property
    def certain(self) -> bool:
        """Whether the scope has cancelled its task."""
        return False

    @property
    def interrupted(self) -> bool:
        """Whether it may have."""
        return self.certain

    async def __aenter__(self) -> Any:
        result = await self.scope.__aenter__()
        self.world.record(self.world.me()).scopes.append(self)
        return result

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> bool:
        world, me = self.world, self.world.me()
        record = world.record(me)
        if error is not None:
            world.look(error)
        out: BaseException | None = error
        try:
            if await self.scope.__aexit__(kind, error, traceback):
                out = None
        except BaseException as raised:
            out = raised
        if self in record.scopes:  # else the task was given up, and this is run in the one that closes it
            record.scopes.remove(self)
        self.count(self.interrupted)
        world.tell(self.place, f"{type(self.scope).__name__}: {error!r} inside, {out!r} outside")
        if out is not None:
            world.look(out)
        if not world.abandoned:
            world.check_requests(f"after {self.scope!r} at {self.place}")
            self.check(me, error, out)
        if out is not None and out is not error:
            raise out
        return out is None

    def count(self, cancellations: int) -> None:
        """Remember that there may be so many cancellations of the task, from the place that it is at."""
        record = self.world.record(self.world.me())
        record.made += cancellations
        for scope in record.scopes:
            scope.allowed += cancellations

    def check(self, me: Task[Any], error: BaseException | None, out: BaseException | None) -> None:
        """Is `out` what should come of a body that ended with `error`?"""


class WatchedTimeout(Watched):
    def __init__(self, world: World, place: str, seconds: float | None) -> None:
        super().__init__(world, place, kernel.timeout(seconds))
        self.armed = world.now()

    @property
    def certain(self) -> bool:
        return bool(self.scope.expired)

    def check(self, me: Task[Any], error: BaseException | None, out: BaseException | None) -> None:
        world, limit = self.world, self.scope
        if limit.expired:
            others = world.ending or me.cancelling() or any(error is other for other in world.record(me).foreign)
            if isinstance(error, Cancelled) and out is error and not others:
                world.violation(f"the expiry of {limit!r} at {self.place} was taken for somebody's cancellation")
            if isinstance(out, TimeoutError) and out is not error and world.now() < limit.deadline:
                world.violation(f"{limit!r} at {self.place} expired before its time")
        elif isinstance(out, TimeoutError) and out is not error:
            world.violation(f"{limit!r} at {self.place} raised TimeoutError and has not expired")
        elif out is None and error is not None:
            world.violation(f"{limit!r} at {self.place} swallowed {error!r}")
        elif limit.deadline is not None and world.now() > max(limit.deadline, self.armed):
            world.violation(f"{limit!r} at {self.place} was passed over: {world.now():g} is after {limit.deadline:g}")
        if not isinstance(error, Cancelled) and out is not error:
            world.violation(f"{limit!r} at {self.place} turned {error!r} into {out!r}")


class WatchedShield(Watched):
    shield = True

    def __init__(self, world: World, place: str) -> None:
        super().__init__(world, place, kernel.shielded())

    def check(self, me: Task[Any], error: BaseException | None, out: BaseException | None) -> None:
        if error is not None and out is not error:
            self.world.violation(f"a shielded section at {self.place} turned {error!r} into {out!r}")


class WatchedGroup(Watched):
    def __init__(self, world: World, place: str) -> None:
        super().__init__(world, place, kernel.TaskGroup())
        self.told = False  # to cancel itself
        world.members[self.scope] = []

    @property
    def interrupted(self) -> bool:
        return self.told or any(task.done() and not task.cancelled() and task.exception() is not None
                                for task in self.world.members[self.scope])

    def check(self, me: Task[Any], error: BaseException | None, out: BaseException | None) -> None:
        world = self.world
        if isinstance(out, BaseExceptionGroup) and out is not error:
            # A cancellation that came meanwhile comes again where the task suspends next.
            self.count(1)
        for task in world.members[self.scope]:
            if not task.done():
                world.violation(f"{task} has outlived its group at {self.place}")
            elif not task.cancelled() and (failure := task.exception()) is not None:
                if not set(numbers(failure)) <= set(numbers(out) if out is not None else ()):
                    world.violation(f"{failure!r} of {task} did not come out of its group at {self.place}")
        if error is not None and not isinstance(error, Cancelled) and out is not error and not (
                isinstance(out, BaseExceptionGroup) and any(error is inner for inner in out.exceptions)):
            world.violation(f"a group at {self.place} turned {error!r} into {out!r}")


class Scopes:
    """The statements about scopes."""

    def __init__(self, world: World) -> None:
        self._world = world
        world.names.update(timeout=self.timeout, shielded=self.shielded, group=self.group, reschedule=self.reschedule,
                           cancel_group=self.cancel_group, spawn_in_group=self.spawn_in_group, children=self.children)

    def timeout(self, place: str, seconds: float | None) -> Watched:
        return WatchedTimeout(self._world, place, seconds)

    def shielded(self, place: str) -> Watched:
        return WatchedShield(self._world, place)

    def group(self, place: str) -> Watched:
        return WatchedGroup(self._world, place)

    def _entered(self, scope: object) -> Watched | None:
        for record in self._world.records.values():
            for watched in record.scopes:
                if isinstance(watched, Watched) and watched.scope is scope:
                    return watched
        return None

    def reschedule(self, number: int, deadline: float | None) -> str:
        limit = self._world.limits.get(number)
        watched = self._entered(limit)
        if limit is None or not isinstance(watched, WatchedTimeout):
            return "there is no such timeout"
        limit.reschedule(deadline)
        if deadline is not None and math.isnan(deadline):
            self._world.violation("a timeout was moved to NaN")
        watched.armed = self._world.now()
        return f"moved to {deadline}"

    def cancel_group(self, number: int) -> str:
        group = self._world.groups.get(number)
        watched = self._entered(group)
        if group is None or not isinstance(watched, WatchedGroup):
            return "there is no such group"
        watched.told = True
        group.cancel()
        return "cancelled"

    async def spawn_in_group(self, place: str, group: int, number: int, body: Callable[[], Any], daemon: bool) -> None:
        world = self._world
        where = world.groups.get(group)
        if where is None or self._entered(where) is None:
            return
        try:
            task = await where.spawn(world.life(body), daemon=daemon)
        except RuntimeError as error:
            world.tell(place, repr(error))
            return
        world.tasks[number] = task
        world.record(task).in_group = True
        world.members[where].append(task)

    async def children(self, number: int) -> Any:
        group = self._world.groups.get(number)
        if group is not None:
            async for task in group.as_completed():
                if not task.done():
                    self._world.violation("as_completed() gave a task that has not ended")
                yield task
                if self._world.enough(f"children of {number}"):
                    break
