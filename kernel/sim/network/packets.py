"""Packets: what travels from one endpoint to another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .hosts import Life


class Packet:
    """Something on its way, to be told by `arrive()`. `subject` is what it is, or has a `label` that says it.

    `data` is what it carries, and `form` what it is instead, if it is none of the subject's bytes: "the end of".
    """

    __slots__ = ("arrive", "data", "form", "lost", "number", "reset", "source", "subject", "target")

    def __init__(self, source: Life, target: Life, subject: Any, arrive: Callable[[], object],
                 reset: Callable[[], object] | None = None, lost: Callable[[], object] | None = None,
                 data: bytes = b"", form: str = "") -> None:
        self.source = source
        self.target = target
        self.subject = subject
        self.arrive = arrive
        self.reset = reset  # the connection that it belongs to, if it does
        self.lost = lost  # what to do when a partition meets it; else it waits for the end of that
        self.data = data
        self.form = form
        self.number = 0  # by which listeners know it; 0: none was told that it was sent

    @property
    def what(self) -> str:
        """What it is, in words."""
        label = self.subject if isinstance(self.subject, str) else self.subject.label
        return f"{self.form} {label}" if self.form else label
