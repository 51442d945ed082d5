"""Recording a program of the documentation, so that the recording is the same each time and everywhere.

The program runs in virtual time, in a process that does nothing else. What remains of this machine and of this run is then
made the same for all: the directory of the project, the ports that the system has chosen, and real time.
"""

from __future__ import annotations

import builtins
import math
import os
import re
import signal
import sys
from collections.abc import Iterable
from contextlib import redirect_stdout, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

import compat
from compat.events import EventLoop
from kernel import Deadlock, VirtualClock, run, simulate
from kernel.devices import Event, Poller
from kernel.insight import record
from kernel.recordings.moments import CLOCK, COUNTS, DEADLOCK, Moment
from kernel.recordings.reading import Recording, read

from .catalogue import NATIVE, SIMULATED, Movie

ROOT = Path(__file__).resolve().parents[2]  # of the project
STEP = 1000  # nanoseconds that a moment takes
_PORT = re.compile(r"(?<=127\.0\.0\.1)(:|', )([1-9]\d*)")
FIRST_PORT = 7777  # which takes the place of the first port that a recording names; the next one is 7778


class StoppingClock(VirtualClock):
    """A virtual clock that interrupts the program, as Ctrl-C does, before it would show more than so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._until = seconds

    def idle(self, poller: Poller, deadline: float, busy_outside: bool) -> Iterable[Event]:
        if deadline <= self._until:
            return super().idle(poller, deadline, busy_outside)
        if events := super().idle(poller, self._until, busy_outside):
            return events
        self._until = math.inf  # a native program is cancelled by the signal, and may sleep while it cleans up
        signal.raise_signal(signal.SIGINT)
        return ()


def recorded(movie: Movie) -> Recording:
    """Run the program of the movie, and return what it did. The current directory has to be `ROOT`."""
    sys.argv = [movie.program]
    with TemporaryDirectory() as directory:
        file = Path(directory, "recording")
        with redirect_stdout(None), suppress(Deadlock, KeyboardInterrupt), record(file):
            run_program(movie)
        file.write_text(without_machine(file.read_text()))
        recording = read(file)
    assert recording.damage is None, recording.damage
    in_even_steps(recording)
    return recording


def run_program(movie: Movie) -> None:
    """Run it in this thread, as `python -m kernel` does it or as a script, but in virtual time."""
    clock = StoppingClock(movie.seconds)
    module = ModuleType(Path(movie.program).stem)
    vars(module).update(__builtins__=builtins, __file__=movie.program)
    code = compile(Path(movie.program).read_bytes(), movie.program, "exec", dont_inherit=True)
    if movie.style == NATIVE:
        exec(code, vars(module))
        run(module.main(), clock=clock)
    elif movie.style == SIMULATED:
        exec(code, vars(module))
        simulate(module.main)
    else:
        compat.set_event_loop(EventLoop(clock=clock))
        exec(code, vars(module))


def without_machine(text: str) -> str:
    """The text of a recording without the directory of the project, and with ports that are the same each time."""
    ports: dict[str, int] = {}

    def port(found: re.Match[str]) -> str:
        return f"{found[1]}{ports.setdefault(found[2], FIRST_PORT + len(ports))}"

    return _PORT.sub(port, text.replace(f"{ROOT}{os.sep}", ""))


def in_even_steps(recording: Recording) -> None:
    """Replace real time, which is another one at each run: it passes as on the virtual clock, and a little at each moment."""
    moments: list[Moment] = []
    shows = 0
    for moment in recording.moments:
        if moment.kind != COUNTS:  # of which there are more where a run takes longer
            shows = moment.first if moment.kind == CLOCK else shows
            moments.append(moment._replace(time=shows + STEP * len(moments)))
    recording.moments, recording.end = moments, moments[-1].time
    recording.header.update(begin=0, python="")
    for kernel in recording.kernels.values():
        kernel["at"] = 0
    for moment in moments:
        if moment.kind == DEADLOCK:
            recording.deadlocks[moment.first]["time"] = moment.time
