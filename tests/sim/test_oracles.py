"""What counts as a failure by itself is not found in programs in which it does not happen: random ones, of the fuzzers.

The fuzzers' programs wait, cancel, give up and fail wherever they can. By default some hundred of each kind are run;
EXPLORE=1 in the environment has some thousands run. A failure names the seeds: `python -m tests.fuzz NAME --seed SEED`
shows the program.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any

import pytest

import compat
from compat.events import EventLoop
from compat.tasks import Task
from kernel import Poller
from kernel.devices.protocols import Event
from kernel.sim.lost import Cancellations
from tests.fuzz import differential, native_rest
from tests.fuzz.fuzzers import FUZZERS
from tests.fuzz.invariants import violations
from tests.fuzz.isolation import isolated
from tests.support.idle_looks import LookingClock

BATCH = 50
BATCHES = 60 if os.environ.get("EXPLORE") else 3

# What releases of Python really lose.
REAL = ("wait_for(", "Group.__aexit__(") if sys.version_info < (3, 12) else (
    "Group.__aexit__(",) if sys.version_info < (3, 13) else ()

Found = dict[int, list[str]]


def look_at_native(seeds: range, patch: pytest.MonkeyPatch) -> Found:
    """What is found in the native programs of these seeds."""
    clocks: list[Any] = []

    class Clock(LookingClock, native_rest.WatchedClock):
        def __init__(self) -> None:
            super().__init__()
            clocks.append(self)

        def idle(self, poller: Poller, deadline: float, busy_outside: bool) -> Iterable[Event]:
            self.kernel = self.world.kernel
            return super().idle(poller, deadline, busy_outside)

    patch.setattr("tests.fuzz.invariants.WatchedClock", Clock)
    found: Found = {}
    for seed in seeds:
        clocks.clear()
        lost: list[Any] = []
        with Cancellations(lost.append):
            wrong = violations(FUZZERS["native"].source(seed), seed)
        found[seed] = [*clocks[0].found, *map(str, lost), *([] if wrong is None else [wrong])]
    return found


def look_at_asyncio(seeds: range, patch: pytest.MonkeyPatch) -> Found:
    """What is found in the asyncio programs of these seeds, and what they do otherwise than on asyncio's own loop."""
    clocks: list[LookingClock] = []
    stock = differential.new_loop

    def new_loop(module: Any, real_time: bool) -> Any:
        if module is not compat:
            return stock(module, real_time)
        clocks.append(LookingClock())
        loop = EventLoop(clock=clocks[-1])
        clocks[-1].kernel = loop.kernel
        return loop

    patch.setattr(differential, "new_loop", new_loop)
    found: Found = {}
    for seed in seeds:
        clocks.clear()
        lost: list[Any] = []
        with Cancellations(lost.append, Task):
            wrong = differential.difference(FUZZERS["asyncio"].source(seed))
        found[seed] = [*(what for clock in clocks for what in clock.found),
                       *(str(loss) for loss in lost if not loss.call.startswith(REAL)),
                       *([] if wrong is None else [wrong])]
    return found


@pytest.mark.timeout(20 * BATCHES)
@pytest.mark.parametrize("look", [look_at_native, look_at_asyncio])
def test_nothing_is_found_in_random_programs(look: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found: Found = {}
    for batch in range(BATCHES):
        found |= isolated(lambda: look(range(batch * BATCH, (batch + 1) * BATCH), monkeypatch), 60)
    assert {seed: what for seed, what in found.items() if what} == {}
