"""`simulate` and `explore` for asyncio programs."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Unpack
    from kernel.sim.exploring import Report
    from kernel.sim.runs import Settings
    from kernel.sim.tapes import Tape

T = TypeVar("T")


def simulate(main: Callable[[], Coroutine[Any, Any, T]], *, seed: int | None = None,
             tape: Tape | str | Path | None = None, **settings: Unpack[Settings]) -> T:
    """`kernel.simulate` for an asyncio program: `main` is an `async def` function without arguments."""
    from kernel.sim import exploring  # here, since only programs that are simulated need it
    from .simulation import ASYNCIO  # for the same reason
    return exploring.simulate(ASYNCIO, main, seed, tape, settings)  # type: ignore[no-any-return]  # the value of main


def check_determinism(main: Callable[[], Coroutine[Any, Any, Any]], *, seed: int | None = None,
                      tape: Tape | str | Path | None = None, **settings: Unpack[Settings]) -> None:
    """`kernel.sim.check_determinism` for an asyncio program."""
    from kernel.sim import exploring  # here, since only programs that are simulated need it
    from .simulation import ASYNCIO  # for the same reason
    exploring.check_determinism(ASYNCIO, main, seed, tape, settings)


def explore(main: Callable[[], Coroutine[Any, Any, Any]], *, runs: int = 1000, strategy: str = "portfolio",
            seed: int | None = None, bound: int | None = None, seconds: float | None = None, jobs: int = 1,
            recording: str | Path | None = None, progress: Callable[[Report], object] | None = None,
            **settings: Unpack[Settings]) -> Report:
    """`kernel.explore` for an asyncio program: `main` is an `async def` function without arguments."""
    from kernel.sim import searching  # here, since only programs that are explored need it
    from .simulation import ASYNCIO  # for the same reason
    return searching.explore(ASYNCIO, main, runs, strategy, seed, bound, seconds, jobs, progress, recording, settings)
