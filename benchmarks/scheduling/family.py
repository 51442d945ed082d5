"""What the workloads of this family have in common."""

from __future__ import annotations

from ..workload import Timed


class Scheduling(Timed):
    def __init__(self, name: str, title: str, count: int, quick_count: int) -> None:
        super().__init__(name, "scheduling", title, count, quick_count)
