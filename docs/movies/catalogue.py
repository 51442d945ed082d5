"""The movies of the documentation: of which program each one is, in which style it is written, and when it is stopped."""

from __future__ import annotations

import math
from typing import NamedTuple

NATIVE, ASYNCIO, LEGACY = "native", "asyncio", "legacy"  # the styles
SIMULATED = "simulated"  # native, in a simulated world


class Movie(NamedTuple):
    """One movie, which is in the file `<name>.html`."""

    name: str
    program: str  # its file, as seen from the root of the project
    style: str = NATIVE
    seconds: float = math.inf  # of virtual time, after which Ctrl-C stops a program that runs for ever


FOLDERS = {NATIVE: "kernel", ASYNCIO: "seed", LEGACY: "legacy"}  # of the programs that are written in three styles
# The clock runs long enough for a visitor to see its rhythm; the two tasks of `creating_tasks` have ended after two seconds.
THREE_STYLES = {"simple_coroutine": math.inf, "creating_tasks": 3.0, "stopping_loop": math.inf, "clock": 5.5}
MADE_TO_BE_WATCHED = "two_workers", "three_clients", "lock_convoy", "cancelled_group", "close_race", "deadlock"
WITH_HOSTS = "paid_twice",

MOVIES = {movie.name: movie for movie in (
    Movie("tour", "examples/tour.py"),
    *(Movie(f"{program}-{style}", f"examples/{folder}/{program}.py", style, seconds)
      for program, seconds in THREE_STYLES.items() for style, folder in FOLDERS.items()),
    *(Movie(program, f"examples/movies/{program}.py") for program in MADE_TO_BE_WATCHED),
    *(Movie(program, f"examples/movies/{program}.py", SIMULATED) for program in WITH_HOSTS))}
