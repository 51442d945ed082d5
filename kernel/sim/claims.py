"""What a program says of itself while it is explored: what holds always, in the end, or at least sometimes."""

from __future__ import annotations

import threading
from collections.abc import Callable

here = threading.local()  # .claims: those of the run that is going on in this thread


def claims_here() -> Claims | None:
    """The claims of the run that is going on in this thread."""
    return getattr(here, "claims", None)


def always(what: str, predicate: Callable[[], object]) -> None:
    """Claim that `predicate()` is true from now on, until the program has ended.

    It is asked whenever nothing is ready and time is about to pass, so what is untrue only in between is not noticed.
    The run fails when it is not true, or raises. Outside of a simulation this does nothing.
    """
    claims = claims_here()
    if claims is not None:
        claims.always.append((what, predicate))
        claims.look()


def eventually(what: str, predicate: Callable[[], object], within: float) -> None:
    """Claim that `predicate()` will be true once, at the latest `within` virtual seconds from now.

    It is asked at the same moments. The run fails when the time is over, or the program has ended, and it was true at
    none of them. Outside of a simulation this does nothing.
    """
    claims = claims_here()
    if claims is not None:
        claims.eventually.append((what, predicate, claims.now() + within))
        claims.look()


def sometimes(what: str, reached: object = True) -> None:
    """Say that the program has come here, with `reached` true.

    An exploration in which that was so in no run says it in its report: what it was to try was never tried. Outside of
    a simulation this does nothing.
    """
    claims = claims_here()
    if claims is not None:
        claims.sometimes[what] = bool(reached) or claims.sometimes.get(what, False)


class Claims:
    """The claims of one run."""

    def __init__(self, now: Callable[[], float], fail: Callable[[str, BaseException | None], object]) -> None:
        self.now = now
        self._fail = fail
        self.always: list[tuple[str, Callable[[], object]]] = []
        self.eventually: list[tuple[str, Callable[[], object], float]] = []
        self.sometimes: dict[str, bool] = {}

    def look(self) -> None:
        """Ask what is claimed; to be called while no task is in the middle of a step."""
        for claim in list(self.always):
            what, predicate = claim
            if not self._holds(what, predicate):
                self.always.remove(claim)  # said once
                self._fail(f"always: {what}: this does not hold at {self.now():g} s", None)
        for one in list(self.eventually):
            what, predicate, deadline = one
            late = self.now() > deadline
            if not late and self._holds(what, predicate):
                self.eventually.remove(one)
            elif late:
                self.eventually.remove(one)
                self._fail(f"eventually: {what}: this was not so by {deadline:g} s", None)

    def _holds(self, what: str, predicate: Callable[[], object]) -> bool:
        try:
            return bool(predicate())
        except Exception as error:
            self._fail(f"{what}: the predicate has failed: {error!r}", error)
            return True  # said already

    def end(self) -> None:
        """The program has ended."""
        self.look()
        for what, _, _ in self.eventually:
            self._fail(f"eventually: {what}: the program has ended before it was so, at {self.now():g} s", None)
        self.always.clear()
        self.eventually.clear()
