"""How many a semaphore, a queue or a barrier is made for: an integer that is not negative, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from kernel import Barrier, PriorityQueue, Queue, Semaphore, UniversalQueue


@pytest.mark.parametrize("make", [Semaphore, Queue, PriorityQueue, UniversalQueue, Barrier,
                                  lambda number: Semaphore(0, maximum=number)])
@pytest.mark.parametrize("number, error", [(1.5, TypeError), ("1", TypeError), (math.nan, TypeError), (-1, ValueError)])
def test_numbers_are_integers_and_not_negative(make: Callable[[Any], Any], number: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"not {number!r}"):
        make(number)
