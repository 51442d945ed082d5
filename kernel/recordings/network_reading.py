"""Reading what a recording tells of a simulated network: its hosts, its packets, and the moments of both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import moments as moment_kinds
from . import rows as row_kinds
from .moments import CRASHED, EXIT, STARTED
from .rows import CANCELLED, KINDS, NETWORK_LENGTHS, STOPPED

Table = dict[int, dict[str, Any]]
FIRST = moment_kinds.SENT - row_kinds.SENT  # the kinds of moments are those of rows, and this


class NetworkReader:
    """Takes the rows of a network, and makes moments of them."""

    def __init__(self, begin: int, kernels: Table, texts: dict[int, str], tasks: Table) -> None:
        self._begin = begin
        self._kernels = kernels
        self._texts = texts
        self._tasks = tasks
        self.hosts: Table = {}
        self.packets: Table = {}
        self._up: set[int] = set()  # hosts that were there once
        self.moments: list[list[int]] = []

    def define(self, line: dict[str, Any]) -> None:
        """Take the definition of a host."""
        if line["kernel"] not in self._kernels:
            raise ValueError(f"a host is of kernel {line['kernel']}, which is not defined")
        self.hosts[line["host"]] = line

    def take(self, integers: Sequence[int]) -> None:
        """Take whole rows."""
        at, end = 0, len(integers)
        while at < end:
            subject, kind = divmod(integers[at], KINDS)
            if kind >= len(NETWORK_LENGTHS):
                raise ValueError(f"there is a row of a network of the unknown kind {kind}")
            until = at + NETWORK_LENGTHS[kind]
            time, *details = integers[at + 1:until]
            self._row(kind, subject, time, details)
            at = until

    def _row(self, kind: int, subject: int, time: int, details: list[int]) -> None:
        first, second = subject, details[0] if details else 0
        if kind == row_kinds.SENT:
            source, target, text, carries, size = details
            self._host(target)
            self.packets[subject] = {"packet": subject, "source": source, "target": target, "text": self._texts[text],
                                     "carries": self._texts.get(carries, ""), "size": size}
            host, second = source, 0
        elif kind <= row_kinds.LOST:
            if subject not in self.packets:
                raise ValueError(f"a row is about packet {subject}, which was not sent")
            host = self.packets[subject]["source"]
        else:
            host = subject
            if kind in (row_kinds.CUT, row_kinds.JOINED):
                self._host(second)
            elif kind == row_kinds.CRASHED:
                second = int(second != 0)
            elif kind == row_kinds.STARTED:
                second = int(subject in self._up)
                self._up.add(subject)
        kernel = self._host(host)
        self.moments.append([FIRST + kind, time - self._begin, kernel, first, second, 0, 0])

    def _host(self, number: int) -> int:
        """The kernel of a host."""
        found = self.hosts.get(number)
        if found is None:
            raise ValueError(f"a row is about host {number}, which is not defined")
        return int(found["kernel"])

    def merged(self, moments: list[list[int]]) -> list[list[int]]:
        """`moments` and those of the network, in order. Tasks of a host that has crashed are stopped."""
        if not self.moments:
            return moments
        merged = sorted([*moments, *self.moments], key=lambda moment: moment[1])
        down: set[int] = set()
        for moment in merged:
            if moment[0] == CRASHED:
                down.add(moment[3])
            elif moment[0] == STARTED:
                down.discard(moment[3])
            elif moment[0] == EXIT and moment[3] == CANCELLED and self._tasks[moment[2]].get("host") in down:
                moment[3], moment[4] = STOPPED, 0
        return merged
