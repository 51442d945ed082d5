"""Programs whose result cannot depend on the schedule: an exploration reports nothing.

And that these programs are good for that: with a bug planted in what they use, an exploration of some does report it.
By default a part of the programs is explored; EXPLORE=1, which `make explore` sets, has all of them explored.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

import pytest

import compat
import kernel

from .soundness.programs import FLAVOURS, sound_program

WHOLE = os.environ.get("EXPLORE") == "1"
PROGRAMS = 2000 if WHOLE else 100  # of each flavour
RUNS = 20 if WHOLE else 4  # of each program
BATCH = 50
MOST_STEPS = 10_000  # of a run; the programs make some hundreds

EXPLORE: dict[str, Callable[..., Any]] = {"native": kernel.explore, "asyncio": compat.explore}


def reports(flavour: str, seeds: Iterable[int], runs: int) -> Iterable[str]:
    """What explorations of the programs of these seeds report."""
    for seed in seeds:
        program = sound_program(seed, flavour)
        report = EXPLORE[flavour](program.main, runs=runs, seed=seed, most_steps=MOST_STEPS)
        if not report:
            yield f"{flavour} program {seed}:\n{program.source}\n{report}"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(0, PROGRAMS, BATCH))
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_nothing_is_reported_of_a_program_that_is_in_order(flavour: str, first: int) -> None:
    assert not next(iter(reports(flavour, range(first, first + BATCH), RUNS)), "")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_nothing_is_reported_either_where_what_is_cancelled_is_cancelled_earlier(flavour: str) -> None:
    for seed in range(200 if WHOLE else 6):
        program = sound_program(seed, flavour)
        report = EXPLORE[flavour](program.main, runs=100 if WHOLE else 30, seed=seed, most_steps=MOST_STEPS,
                                  strategy="cancel")
        assert report, f"{program.source}\n{report}"


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_nothing_is_reported_either_where_the_ready_tasks_come_in_any_order(flavour: str) -> None:
    for seed in range(20):
        program = sound_program(seed, flavour)
        report = EXPLORE[flavour](program.main, runs=RUNS, seed=seed, most_steps=MOST_STEPS, order="any")
        assert report, f"{program.source}\n{report}"


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_every_statement_comes_up(flavour: str) -> None:
    kinds, _ = FLAVOURS[flavour]
    sources = "".join(sound_program(seed, flavour).source for seed in range(100))
    for kind in kinds:
        if sys.version_info >= kind.since:
            assert kind.template.splitlines()[0].partition("{")[0] in sources, kind.name


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_the_same_seed_is_the_same_program(flavour: str) -> None:
    one, same, other = (sound_program(seed, flavour) for seed in (3, 3, 4))
    assert (one.source, one.expected) == (same.source, same.expected)
    assert one.source != other.source


# Planted bugs: each breaks one thing in one way. Most show only in some schedules.

Plant = Callable[[pytest.MonkeyPatch], None]


def native_lock_that_lets_everyone_in(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(kernel.Lock, "__aenter__", lambda self: kernel.checkpoint())
    patch.setattr(kernel.Lock, "__aexit__", lambda self, *error: kernel.checkpoint())


def native_semaphore_with_a_unit_too_many(patch: pytest.MonkeyPatch) -> None:
    original = kernel.Semaphore.__init__
    patch.setattr(kernel.Semaphore, "__init__", lambda self, value=1: original(self, value + 1))


def native_get_that_drops(patch: pytest.MonkeyPatch) -> None:
    original = kernel.Queue.get

    def get(self: Any) -> Any:
        if self.qsize() > 1:
            self.get_nowait()
        return original(self)

    patch.setattr(kernel.Queue, "get", get)


def native_notification_that_is_lost(patch: pytest.MonkeyPatch) -> None:
    """A task that is notified, and cancelled before it has the lock, keeps the notification."""
    from kernel.sync.conditions import Notification
    patch.setattr(Notification, "came", property(lambda self: False, lambda self, value: None), raising=False)


def native_shield_that_is_none(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(kernel, "shielded", lambda: kernel.timeout(None))


def native_wake_that_a_cancellation_takes_away(patch: pytest.MonkeyPatch) -> None:
    """A task that was answered is cancelled all the same."""
    original = kernel.Task.run

    def run(self: Any, runner: Any) -> None:
        if self.woken and self.interruption is not None and not self.shields:
            self.error, self.interruption, self.traceback = self.interruption, None, None
        original(self, runner)

    patch.setattr(kernel.Task, "run", run)


def asyncio_lock_that_lets_everyone_in(patch: pytest.MonkeyPatch) -> None:
    async def acquire(self: Any) -> bool:
        await asyncio.sleep(0)
        return True

    patch.setattr(asyncio.Lock, "acquire", acquire)
    patch.setattr(asyncio.Lock, "release", lambda self: None)


def asyncio_get_that_takes_before_it_is_sure(patch: pytest.MonkeyPatch) -> None:
    """A task that is cancelled after it was given an item loses the item."""
    async def get(self: Any) -> Any:
        while self.empty():
            getter = asyncio.get_running_loop().create_future()
            self._getters.append(getter)
            await getter
        item = self.get_nowait()
        await asyncio.sleep(0)
        return item

    patch.setattr(asyncio.Queue, "get", get)


def asyncio_wait_for_that_does_not_wait(patch: pytest.MonkeyPatch) -> None:
    """The task that ran out of time goes on after `wait_for` has ended."""
    async def wait_for(awaitable: Any, timeout: float) -> Any:
        done, pending = await asyncio.wait([asyncio.ensure_future(awaitable)], timeout=timeout)
        if pending:
            raise TimeoutError
        return done.pop().result()

    patch.setattr(asyncio, "wait_for", wait_for)


def asyncio_event_that_wakes_one(patch: pytest.MonkeyPatch) -> None:
    def set_event(self: Any) -> None:
        self._value = True
        for future in self._waiters:
            if not future.done():
                future.set_result(True)
                break

    patch.setattr(asyncio.Event, "set", set_event)


def asyncio_barrier_that_is_early(patch: pytest.MonkeyPatch) -> None:
    original = asyncio.Barrier.__init__
    patch.setattr(asyncio.Barrier, "__init__", lambda self, parties: original(self, parties - 1))


PLANTS: list[Plant] = [
    native_lock_that_lets_everyone_in, native_semaphore_with_a_unit_too_many, native_get_that_drops,
    native_notification_that_is_lost, native_shield_that_is_none, native_wake_that_a_cancellation_takes_away,
    asyncio_lock_that_lets_everyone_in, asyncio_get_that_takes_before_it_is_sure, asyncio_wait_for_that_does_not_wait,
    asyncio_event_that_wakes_one, asyncio_barrier_that_is_early]


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_a_planted_bug_is_reported(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    if plant is asyncio_wait_for_that_does_not_wait and sys.version_info < (3, 12):
        pytest.skip("the programs leave out wait_for, which may swallow a cancellation there (CPython 86296)")
    flavour = plant.__name__.partition("_")[0]
    plant(monkeypatch)
    assert next(iter(reports(flavour, range(100), 10)), "")
