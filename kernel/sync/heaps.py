"""A heap that stays as it was when a comparison of its items fails."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Any


def push(heap: list[Any], item: Any) -> None:
    """As `heappush`; but where `item` does not compare with one that is there, the heap stays as it was."""
    try:
        heappush(heap, item)
    except BaseException:
        # `item` has risen from the end of the heap to where the comparison failed.
        path = [len(heap) - 1]
        while path[-1] and heap[path[-1]] is not item:
            path.append((path[-1] - 1) // 2)
        for place, above in zip(reversed(path), reversed(path[:-1])):
            heap[place] = heap[above]
        heap.pop()
        raise


def pop(heap: list[Any]) -> Any:
    """As `heappop`; but where the items that are left do not compare, the heap stays as it was."""
    least, last = heap[0], heap[-1]
    try:
        return heappop(heap)
    except BaseException:
        # `last` has gone down from the top, and those on its way have risen by one.
        place = next(place for place, item in enumerate(heap) if item is last)
        while place:
            above = (place - 1) // 2
            heap[place] = heap[above]
            place = above
        heap[0] = least
        heap.append(last)
        raise
