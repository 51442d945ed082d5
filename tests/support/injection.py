"""Cancelling a task at every point where it can be cancelled: one run to count these, then one run for each.

    async def scenario(injection):
        lock = Lock()
        victim = await spawn(user(lock))
        injection.watch(victim)
        ...
        assert not lock.locked()            # the invariants, whether the victim was cancelled or not

    cancel_at_every_suspension(scenario)

Watched tasks are counted together. At each of their suspensions they are cancelled in two ways: at once, while they
wait; and late, when the wait is over but they have not run since, so that its answer is under way.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine
from typing import Any, Literal

from kernel import Clock, Kernel, MonotonicClock, Task, VirtualClock, sleep
from tests.support.descriptors import open_descriptors
from tests.support.process_list import children_of_this_process

When = Literal["at once", "late"]
Scenario = Callable[["Injection"], Coroutine[Any, Any, object]]


class Injection:
    """The ready queue of one run, which sees every step of the watched tasks and cancels one of them.

    `target` is the suspension to do it at, counted from 0; -1 only counts.
    """

    def __init__(self, target: int, when: When, seed: int | None) -> None:
        self.suspensions = 0
        self.fired = False  # whether a task was cancelled
        self.place = ""  # what it was blocked on, and where
        self._target = target
        self._when = when
        self._watched: set[Task[Any]] = set()
        self._stepping: Task[Any] | None = None  # the watched task that was taken out last
        self._victim: Task[Any] | None = None  # to be cancelled as the next item
        self._late: Task[Any] | None = None  # to be cancelled when it is woken
        self._items: list[Any] = []
        self._random = None if seed is None else random.Random(seed)

    def watch(self, *tasks: Task[Any]) -> None:
        self._watched.update(tasks)

    def append(self, item: Any, /) -> None:
        self._items.append(item)
        task = self._late
        if task is not None and item is task and task.woken:
            self._late = None
            self._cancel(task)

    def popleft(self) -> Any:
        self._look()
        if self._victim is not None:
            return self
        item = self._items.pop(0 if self._random is None else self._random.randrange(len(self._items)))
        self._stepping = item if item in self._watched else None
        return item

    def __len__(self) -> int:
        self._look()
        return len(self._items) + (self._victim is not None)

    def _look(self) -> None:
        """Between two items: has the last been a watched task, and is it suspended now?"""
        task, self._stepping = self._stepping, None
        if task is None or task.done():
            return
        if self.suspensions == self._target:
            if self._when == "at once":
                self._victim = task
            else:
                self._late = task
        self.suspensions += 1

    def run(self, kernel: Kernel) -> None:
        """Cancel the victim, as an item of the queue."""
        kernel.current = None
        task, self._victim = self._victim, None
        assert task is not None
        self._cancel(task)

    def _cancel(self, task: Task[Any]) -> None:
        self.place = repr(task)
        self.fired = task.cancel()


def cancel_at_every_suspension(scenario: Scenario, *, seed: int | None = None,
                               clock: Callable[[], Clock] = VirtualClock, deterministic: bool = True) -> int:
    """Run `scenario` once to count, then once for each suspension and way; return how many cancellations that made.

    `seed` makes the order of tasks a random one, the same in each run. Where real descriptors or threads decide on the
    order, a run may have fewer suspensions than the first had: `deterministic=False` lets that pass.
    """
    reports: list[str] = []

    def run(target: int, when: When) -> Injection:
        injection = Injection(target, when, seed)
        with Kernel(ready=injection, clock=clock(),
                    exception_hook=lambda message, error: reports.append(f"{message}: {error!r}")) as kernel:
            try:
                kernel.run(scenario(injection))
            except BaseException as error:
                error.add_note(f"with a cancellation {when} at suspension {target}: {injection.place or 'none'}")
                raise
        assert not reports, (reports, target, when, injection.place)
        return injection

    suspensions = run(-1, "at once").suspensions
    assert suspensions, "the scenario watches no task that suspends"
    made = 0
    for target in range(suspensions):
        made += (fired := run(target, "at once").fired)
        assert fired or not deterministic, f"suspension {target} of {suspensions} did not come again"
        made += run(target, "late").fired  # not every wait ends: one at the end of the run may not
    return made


def leaves_nothing(scenario: Scenario, least: int, clock: Callable[[], Any] = MonotonicClock) -> None:
    """Cancel at every suspension, and find the descriptors and the children the same as before."""
    before = open_descriptors()
    assert cancel_at_every_suspension(scenario, clock=clock, deterministic=False) >= least
    assert open_descriptors() == before
    assert children_of_this_process() == []


async def ended(task: Task[Any]) -> bool:
    """Wait for the end of a task; whether it was cancelled."""
    while not task.done():
        await sleep(0.001)
    if not task.cancelled():
        task.result()
    return task.cancelled()
