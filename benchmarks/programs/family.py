"""The base class of the workloads of this family."""

from __future__ import annotations

from ..workload import Timed


class Program(Timed):
    """A workload of the family "programs"."""

    def __init__(self, name: str, title: str, count: int, quick_count: int) -> None:
        super().__init__(name, "programs", title, count, quick_count)
