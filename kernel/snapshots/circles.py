"""Circles of waits: tasks of which each waits for the next, and the last for the first."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence


def circles(awaits: Mapping[int, Sequence[int]]) -> list[list[int]]:
    """The circles among tasks that are given with those each waits for: a shortest one of each knot.

    A knot is a set of tasks of which each waits for every other, by way of more tasks perhaps.
    """
    return [circle for knot in knots(awaits) if (circle := _shortest(awaits, min(knot), knot)) is not None]


def knots(awaits: Mapping[int, Sequence[int]]) -> Iterator[set[int]]:
    """The strongly connected parts of the graph, by Tarjan's algorithm; with a stack of its own, since chains are long."""
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    path: list[int] = []
    on_path: set[int] = set()
    for root in awaits:
        if root in order:
            continue
        work = [(root, iter(awaits[root]))]
        order[root] = low[root] = len(order)
        path.append(root)
        on_path.add(root)
        while work:
            task, rest = work[-1]
            for other in rest:
                if other not in awaits:
                    continue
                if other not in order:
                    order[other] = low[other] = len(order)
                    path.append(other)
                    on_path.add(other)
                    work.append((other, iter(awaits[other])))
                    break
                if other in on_path:
                    low[task] = min(low[task], order[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[task])
                if low[task] == order[task]:
                    knot = set()
                    while task not in knot:
                        knot.add(path.pop())
                    on_path -= knot
                    yield knot


def _shortest(awaits: Mapping[int, Sequence[int]], first: int, knot: set[int]) -> list[int] | None:
    """A shortest way from `first` back to itself within `knot`; None if there is none, since the knot is one task."""
    before: dict[int, int] = {}
    queue = deque([first])
    while queue:
        task = queue.popleft()
        for other in awaits[task]:
            if other == first:
                circle = [task]
                while circle[-1] != first:
                    circle.append(before[circle[-1]])
                return circle[::-1]
            if other in knot and other not in before:
                before[other] = task
                queue.append(other)
    return None
