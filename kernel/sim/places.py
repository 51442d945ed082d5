"""Where a task is suspended, as a number: to know whether a run has come to a state in which none was before."""

from __future__ import annotations

from typing import Any

from ..insight.requests import frames
from ..task import Task


def place_hash(task: Task[Any]) -> int:
    """A hash of where `task` is suspended: of the functions that it is in, and of how far it has come in each."""
    return hash(tuple((id(frame.f_code), frame.f_lasti) for frame in frames(task)))
