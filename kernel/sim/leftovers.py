"""Tasks that a program has left behind: when it has ended, they have not, and the shutdown is going to cancel them."""

from __future__ import annotations

from typing import Any

from ..core import Kernel
from ..task import Task
from .network.hosts import life_of


def leftovers(kernel: Kernel, main: object) -> list[Task[Any]]:
    """The tasks that are not done, when `main` has ended and before the shutdown; by their names.

    Daemons are meant to be left, and so is what runs on other hosts of a simulated world. Nor does a task count that
    the program has cancelled: the shutdown waits for its end just as the program might have done.
    """
    left = [task for task in kernel.everyone() if not (
        task is main or task.done() or getattr(task, "daemon", False) or task.cancelling() or life_of(task) is not None)]
    return sorted(left, key=lambda task: str(task.name))
