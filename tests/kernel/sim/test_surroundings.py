"""What a simulated run finds around it: virtual time, and random numbers from one seed."""

from __future__ import annotations

import os
import random
import secrets
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from random import SystemRandom, choice, gauss, getrandbits, randint
from random import random as imported_random
from types import ModuleType
from typing import Any

import pytest

from kernel.sim.surroundings import NODE, START, Surroundings

REPLACED = [(time, "time"), (time, "time_ns"), (time, "monotonic"), (time, "monotonic_ns"), (time, "perf_counter"),
            (time, "perf_counter_ns"), (time, "sleep"), (random, "random"), (random, "getrandbits"), (random, "seed"),
            (random, "getstate"), (random, "setstate"), (os, "urandom"), (uuid, "uuid1"), (uuid, "getnode")]


class World:
    """A virtual clock, and a seed that counts how often it was asked for."""

    def __init__(self, seed: int = 1) -> None:
        self.now = 0.0
        self.asked = 0
        self._seed = seed

    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    def seed(self) -> int:
        self.asked += 1
        return self._seed

    def around(self) -> Surroundings:
        return Surroundings(lambda: self.now, self.pass_time, self.seed)


def test_every_clock_shows_virtual_time() -> None:
    world = World()
    with world.around():
        world.now = 2.5
        assert (time.monotonic(), time.perf_counter(), time.time()) == (2.5, 2.5, START + 2.5)
        assert (time.monotonic_ns(), time.perf_counter_ns()) == (2_500_000_000, 2_500_000_000)
        assert time.time_ns() == START * 1_000_000_000 + 2_500_000_000
    assert time.gmtime(START)[:6] == (2026, 1, 1, 0, 0, 0)


def test_a_blocking_sleep_lets_virtual_time_pass() -> None:
    world = World()
    with world.around():
        time.sleep(3600)
        time.sleep(0.5)
        time.sleep(True)
        assert time.monotonic() == 3601.5


@pytest.mark.parametrize("seconds, error", [(-1, ValueError), (-0.5, ValueError), (float("nan"), ValueError),
                                            (float("inf"), OverflowError), ("1", TypeError), (None, TypeError)])
def test_a_wrong_sleep_raises_what_it_always_raises(seconds: Any, error: type[Exception]) -> None:
    def message() -> str:
        with pytest.raises(error) as caught:
            time.sleep(seconds)
        return str(caught.value)

    world = World()
    with world.around():
        simulated = message()
    assert simulated == message() and world.now == 0


def test_another_thread_sees_the_real_world() -> None:
    begin, seen = threading.Event(), list[Any]()

    def look() -> None:
        begin.wait(30)
        seen.extend([time.time(), time.monotonic(), time.time_ns(), os.urandom(16), random.Random().random()])
        time.sleep(0)

    thread = threading.Thread(target=look)
    thread.start()
    world, before = World(), time.time()
    with world.around():
        begin.set()
        thread.join()
    assert before <= seen[0] <= time.time() and seen[1] > 0 and seen[2] >= before * 1e9 and world.asked == 0


def reseeded() -> float:
    random.seed()
    return random.random()


def another_reseeded() -> float:
    generator = random.Random(5)
    generator.seed()
    return generator.random()


DRAWS: dict[str, Callable[[], Any]] = {
    "random": lambda: random.random(), "getrandbits": lambda: random.getrandbits(70),
    "randint": lambda: random.randint(1, 1 << 60), "choice": lambda: random.choice(range(1 << 60)),
    "shuffle": lambda: random.sample(range(1000), 1000), "gauss": lambda: random.gauss(0, 1),
    "randbytes": lambda: random.randbytes(8), "Random": lambda: random.Random().random(),
    "seed": reseeded, "getstate": lambda: random.getstate(),
    "Random.seed": another_reseeded,
    "SystemRandom": lambda: SystemRandom().random(), "urandom": lambda: os.urandom(8),
    "token_hex": lambda: secrets.token_hex(), "secrets.choice": lambda: secrets.choice(range(1 << 60)),
    "tempfile": lambda: os.path.basename(tempfile.mktemp()),
    "uuid1": lambda: uuid.uuid1(), "uuid4": lambda: uuid.uuid4(),
    "imported choice": lambda: choice(range(1 << 60)), "imported randint": lambda: randint(1, 1 << 60),
    "imported gauss": lambda: gauss(0, 1)}
if hasattr(os, "getrandom"):
    DRAWS["getrandom"] = lambda: os.getrandom(8)
if sys.version_info >= (3, 14):
    DRAWS |= {"uuid6": lambda: uuid.uuid6(), "uuid7": lambda: uuid.uuid7()}


def draw(function: Callable[[], Any], seed: int) -> list[Any]:
    world = World(seed)
    with world.around():
        drawn = [function(), function()]
    assert world.asked == 1
    return drawn


@pytest.mark.parametrize("name", DRAWS)
def test_random_numbers_come_from_the_seed(name: str) -> None:
    first = draw(DRAWS[name], 1)
    assert draw(DRAWS[name], 1) == first != draw(DRAWS[name], 2)
    assert name == "getstate" or first[0] != first[1]


def test_the_seed_is_chosen_once_and_only_when_it_is_needed() -> None:
    world = World()
    with world.around():
        random.Random(5).random()
        random.seed(7)
        mine = random.random()
        state = random.getstate()
        theirs = random.random()
        random.setstate(state)
        assert random.random() == theirs and mine == random.Random(7).random()
        assert world.asked == 0
        os.urandom(1), uuid.uuid4(), random.Random(), secrets.token_bytes()
    assert world.asked == 1


def test_a_state_may_be_kept_and_set_again() -> None:
    with World().around():
        state = random.getstate()
        first = random.random()
        random.setstate(state)
        assert random.random() == first


def test_c_functions_that_were_imported_before_are_the_same_in_every_run() -> None:
    def numbers(seed: int) -> list[float]:
        with World(seed).around():
            return [imported_random(), getrandbits(32), random.random(), imported_random()]

    one, two = numbers(1), numbers(2)
    assert one == numbers(1) and one[:2] == two[:2] and one[2] != two[2] and one[3] != two[3]


def test_a_uuid_shows_virtual_time_and_no_machine() -> None:
    world = World()
    with world.around():
        world.now = 5.0
        first, second = uuid.uuid1(), uuid.uuid1()
    assert first.node == NODE and first.time < second.time
    assert (first.time - 0x01B21DD213814000) / 1e7 == START + 5


def test_everything_is_as_before_after_it() -> None:
    random.seed(3)
    random.gauss(0, 1)  # which keeps a second number for the next call
    state, last = random.getstate(), uuid.uuid1()
    before = [getattr(module, name) for module, name in REPLACED]
    shared = dict(vars(random._inst))
    seed = random.Random.seed
    with pytest.raises(KeyboardInterrupt):
        with World().around():
            random.seed(9)
            random.gauss(0, 1), imported_random(), uuid.uuid1()
            raise KeyboardInterrupt
    assert random.getstate() == state and vars(random._inst) == shared and random.Random.seed is seed
    assert [getattr(module, name) for module, name in REPLACED] == before
    assert uuid.uuid1().time > last.time


def test_what_is_kept_of_a_run_shows_the_real_world_after_it_and_the_virtual_one_in_the_next() -> None:
    module = ModuleType("lazy")  # imported in a run
    with World().around():
        exec("from time import monotonic\nfrom os import urandom", vars(module))
        first = module.urandom(8)
    assert abs(module.monotonic() - time.monotonic()) < 3600 and len(module.urandom(8)) == 8
    world = World()
    with world.around():
        world.now = 1e9
        assert module.monotonic() == 1e9 and module.urandom(8) == first


def test_a_program_may_replace_the_same_functions_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    with World().around():
        with monkeypatch.context() as patch:
            patch.setattr(time, "time", lambda: 5.0)
            patch.setattr(random, "random", lambda: 0.25)
            assert time.time() == 5 and random.random() == 0.25
        assert time.time() == START and random.random() != 0.25
    monkeypatch.setattr(time, "time", lambda: 6.0)
    with World().around():
        assert time.time() == START
    assert time.time() == 6


def test_two_threads_cannot_be_in_a_run_at_a_time() -> None:
    errors = list[BaseException]()

    def second() -> None:
        begin.wait(30)
        try:
            with World().around():
                pass
        except RuntimeError as error:
            errors.append(error)

    begin = threading.Event()
    thread = threading.Thread(target=second)
    thread.start()
    with World().around():
        begin.set()
        thread.join()
        assert time.time() == START
    error, = errors
    assert "another thread of this process is in a simulated run; use a process for each" in str(error)
    with World().around():
        assert time.time() == START


def test_an_interruption_on_the_way_in_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    before, state = time.time, random.getstate()

    def interrupted(self: random.Random, state: Any) -> None:
        patch.undo()
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(random.Random, "setstate", interrupted)
        with pytest.raises(KeyboardInterrupt):
            with World().around():
                raise AssertionError("it was interrupted before")
    assert time.time is before and random.getstate() == state
    with World().around():
        assert time.time() == START
