"""Heaps that stay as they were when a comparison of their items raises."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Any


def push(heap: list[Any], item: Any) -> None:
    """As `heappush`; but when the comparison of `item` with another raises, the heap is put back as it was."""
    try:
        heappush(heap, item)
    except BaseException:
        # `item` has risen from the end of the heap to where the comparison failed, and each item that it passed has
        # moved down by one place. Move those back.
        path = [len(heap) - 1]
        while path[-1] and heap[path[-1]] is not item:
            path.append((path[-1] - 1) // 2)
        for place, above in zip(reversed(path), reversed(path[:-1])):
            heap[place] = heap[above]
        heap.pop()
        raise


def pop(heap: list[Any]) -> Any:
    """As `heappop`; but when a comparison of the items that are left raises, the heap is put back as it was."""
    least, last = heap[0], heap[-1]
    try:
        return heappop(heap)
    except BaseException:
        # `last` has gone down from the top, and each item on its way has risen by one place. Move those back.
        place = next(place for place, item in enumerate(heap) if item is last)
        while place:
            above = (place - 1) // 2
            heap[place] = heap[above]
            place = above
        heap[0] = least
        heap.append(last)
        raise
