"""A ready queue without an order of its own."""

from __future__ import annotations

import random
from typing import Any


class RandomReady:
    """A ready queue that takes out a random item: any order of tasks that a program must not rely on."""

    def __init__(self, seed: int) -> None:
        self._items: list[Any] = []
        self._random = random.Random(seed)

    def append(self, item: Any, /) -> None:
        self._items.append(item)

    def popleft(self) -> Any:
        index = self._random.randrange(len(self._items))
        self._items[index], self._items[-1] = self._items[-1], self._items[index]
        return self._items.pop()

    def __len__(self) -> int:
        return len(self._items)
