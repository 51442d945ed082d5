"""What the tasks at the ends of a tree's branches do.

A leaf that chooses what to do makes the same choices in every round and on every library: `prepare` draws them from a
seeded generator before the measurement.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from math import factorial

from ..spans import SEED

Sleep = Callable[[float], Awaitable[None]]

SPAN = 0.05  # seconds that a leaf waits for the input that it pretends to need
NUMBER = 500  # a leaf that computes takes this number's factorial


class Leaves(ABC):
    """The leaves of one tree. `leaf` is what each of them does."""

    name: str
    words: str  # what the leaves do, for a title

    def prepare(self, sleep: Sleep, count: int) -> None:
        """Get ready for a tree with `count` leaves, whose library sleeps by `sleep`."""
        self.sleep = sleep
        self.count = count
        self.ended = 0

    @abstractmethod
    async def leaf(self) -> None:
        """Do what a leaf does, and add 1 to `ended`."""

    def check(self) -> None:
        """`AssertionError` unless each leaf has done its work once."""
        if self.ended != self.count:
            raise AssertionError(f"{self.ended} of {self.count} leaves have ended")


class Idle(Leaves):
    """A leaf does nothing."""

    name = "none"
    words = "do nothing"

    async def leaf(self) -> None:
        self.ended += 1


class Waiting(Leaves):
    """Each leaf sleeps for the same span."""

    name = "io"
    words = "sleep"

    async def leaf(self) -> None:
        await self.sleep(SPAN)
        self.ended += 1


class Memoising(Leaves):
    """The leaves share a cache. Nine of ten look up one of 100 keys. The first that misses such a key computes its value.

    The tenth wants a key of its own, and sleeps before it puts the value into the cache.
    """

    name = "memoization"
    words = "share a cache"
    COMMON = 100

    def prepare(self, sleep: Sleep, count: int) -> None:
        super().prepare(sleep, count)
        choice = random.Random(SEED)
        self.cache: dict[int, int] = {}
        self.keys = [choice.randrange(self.COMMON) if choice.random() < 0.9 else self.COMMON + number
                     for number in range(count)]
        self._next_key = iter(self.keys).__next__

    async def leaf(self) -> None:
        key = self._next_key()
        if key not in self.cache:
            if key < self.COMMON:
                self.cache[key] = factorial(NUMBER + key)
            else:
                await self.sleep(SPAN)
                self.cache[key] = key
        self.ended += 1

    def check(self) -> None:
        super().check()
        if self.cache != {key: factorial(NUMBER + key) if key < self.COMMON else key for key in self.keys}:
            raise AssertionError("the cache does not hold what the leaves have asked for")


class Mixed(Leaves):
    """Half of the leaves compute, the other half sleep."""

    name = "cpu_io_mixed"
    words = "compute or sleep"

    def prepare(self, sleep: Sleep, count: int) -> None:
        super().prepare(sleep, count)
        computing = [number % 2 == 0 for number in range(count)]
        random.Random(SEED).shuffle(computing)
        self._computes = iter(computing).__next__
        self.computed = 0

    async def leaf(self) -> None:
        if self._computes():
            factorial(NUMBER)
            self.computed += 1
        else:
            await self.sleep(SPAN)
        self.ended += 1

    def check(self) -> None:
        super().check()
        if self.computed != (self.count + 1) // 2:
            raise AssertionError(f"{self.computed} of {self.count} leaves have computed")
