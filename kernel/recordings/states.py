"""How things stood after any moment of a recording: who was ready, who ran, who waited for what."""

from __future__ import annotations

from typing import NamedTuple

from .moments import (ARRIVED, ASK, BLOCKED, CLOCK, CRASHED, CUT, EXIT, HELD, JOINED, LOST, OF_NETWORKS, RESUME, SENT, SPAWN,
                      STARTED, THING, WAKE, YIELDED, Moment)
from .reading import Recording


class Wait(NamedTuple):
    """What a task is blocked on."""

    request: int
    since: int
    deadline: int  # on the kernel's clock; 0: there is none, or nobody knows
    thing: int


class State:
    """The state of all kernels of a recording, before its first moment; `apply` moves it on by one."""

    def __init__(self, recording: Recording) -> None:
        self._tasks = recording.tasks
        self.ready: dict[int, list[int]] = {kernel: [] for kernel in recording.kernels}  # tasks, first come first
        self.running: dict[int, list[int]] = {kernel: [] for kernel in recording.kernels}  # the innermost is last
        self.blocked: dict[int, Wait] = {}
        self.done: dict[int, int] = {}  # tasks, with how they ended
        self.asked: dict[int, int] = {}  # the request that a task has made last, which says where it is
        self.clock: dict[int, int] = {number: kernel["shows"] for number, kernel in recording.kernels.items()}
        self.things: dict[int, int] = {}  # with the state of each
        self.flying: dict[int, None] = {}  # packets on their way, the first that was sent first
        self.held: dict[int, None] = {}  # those of them that a partition holds up
        self.down: set[int] = set()  # hosts that have crashed
        self.cut: set[tuple[int, int]] = set()  # from which host nothing gets to which

    def apply(self, moment: Moment) -> None:
        kind, time, subject, first, second, third, fourth = moment
        if kind == CLOCK:
            self.clock[subject] = first
        elif kind == THING:
            self.things[first] = second
            if not second:  # nobody looks at it any more
                del self.things[first]
        elif kind in OF_NETWORKS:
            self._apply_to_network(kind, first, second)
        elif kind <= EXIT:
            kernel = self._tasks[subject]["kernel"]
            ready, running = self.ready[kernel], self.running[kernel]
            if kind in (SPAWN, WAKE):
                self.blocked.pop(subject, None)
                ready.append(subject)
            elif kind == RESUME:
                if subject in ready:
                    ready.remove(subject)
                if subject not in running:
                    running.append(subject)
            elif kind == ASK:
                if first:
                    self.asked[subject] = first
                if second in (BLOCKED, YIELDED) and subject in running:
                    running.remove(subject)
                if second == BLOCKED:
                    if subject in ready:  # woken at a condition, and now in the line of its lock
                        ready.remove(subject)
                    self.blocked[subject] = Wait(first, time, third, fourth)
                elif second == YIELDED:
                    ready.append(subject)
            elif kind == EXIT:
                for tasks in ready, running:
                    if subject in tasks:
                        tasks.remove(subject)
                self.blocked.pop(subject, None)
                self.done[subject] = first

    def _apply_to_network(self, kind: int, first: int, second: int) -> None:
        if kind == SENT:
            self.flying[first] = None
        elif kind == HELD:
            self.held[first] = None
        elif kind in (ARRIVED, LOST):
            self.flying.pop(first, None)
            self.held.pop(first, None)
        elif kind == CRASHED:
            self.down.add(first)
        elif kind == STARTED:
            self.down.discard(first)
        elif kind == CUT:
            self.cut.add((first, second))
        elif kind == JOINED:
            self.cut.discard((first, second))
