"""All workloads there are, in the order of the tables."""

from __future__ import annotations

from fnmatch import fnmatchcase

from . import applications, cost, databases, growth, io, programs, scheduling
from .workload import Workload

WORKLOADS: list[Workload] = [*scheduling.WORKLOADS, *io.WORKLOADS, *programs.WORKLOADS, *applications.WORKLOADS,
                             *databases.WORKLOADS, *cost.WORKLOADS, *growth.WORKLOADS]
BY_NAME = {workload.name: workload for workload in WORKLOADS}


def select(patterns: list[str]) -> list[Workload]:
    """The workloads whose name or family is one of `patterns`, or that match one such as `echo-*`; without any, all.

    Raises `KeyError` with a pattern that no workload fits.
    """
    chosen: list[Workload] = []
    for pattern in patterns or ["*"]:
        fitting = [one for one in WORKLOADS if one.family == pattern or fnmatchcase(one.name, pattern)]
        if not fitting:
            raise KeyError(pattern)
        chosen += [one for one in fitting if one not in chosen]
    return chosen
