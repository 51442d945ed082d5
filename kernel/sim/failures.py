"""What counts as a failure of a run, and the errors that tell of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

# Every kind of failure, with what it means.
KINDS = {
    "exception": "the program has ended with an exception",
    "deadlock": "nothing was left that could wake the blocked tasks",
    "stuck": "a task waits although what it waits for is free, and nothing will wake it",
    "lost cancellation": "a cancellation was asked for, and neither raised nor taken back",
    "never awaited": "a coroutine was never awaited",
    "unretrieved": "an exception that nobody retrieved",
    "leftover": "the program has ended, and left a task behind, or something open",
    "endless": "the run did not end",
    "claim": "something that was to hold always, or in the end, did not",
    "died": "a process of the exploration has ended in the middle of a run",
    "unsimulated": "the program has used what cannot be simulated",
}


class Failure(NamedTuple):
    """A failure of a run."""

    kind: str
    message: str
    error: BaseException | None = None

    @property
    def key(self) -> tuple[str, str]:
        """The same for two failures of one cause, as far as one can tell."""
        return self.kind, type(self.error).__qualname__ if self.error is not None else ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


class Failed(AssertionError):
    """A simulated run has failed, although the program itself has noticed nothing. `failures` says how."""

    def __init__(self, failures: Iterable[Failure]) -> None:
        self.failures = list(failures)
        super().__init__("\n".join(str(failure) for failure in self.failures))


def check_kinds(kinds: Iterable[str] | None) -> frozenset[str]:
    """The kinds to look for: all of them for None. Raises `ValueError` for one that does not exist."""
    chosen = frozenset(KINDS if kinds is None else kinds)
    unknown = sorted(chosen - KINDS.keys())
    if unknown:
        raise ValueError(f"there is no failure of the kind {unknown[0]!r}; the kinds are {', '.join(KINDS)}")
    return chosen
