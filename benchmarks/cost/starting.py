"""How much processor time passes until a program begins."""

from __future__ import annotations

import os
import subprocess
import sys

from ..contenders import Contender
from ..orders import ROOT
from ..scheduling.spawning import nothing
from ..workload import Alone, Figures, Meter


class Import(Alone):
    """Import the library in a new interpreter, from byte code. An event loop imports asyncio as well."""

    fresh = True

    def __init__(self) -> None:
        super().__init__("import", "cost", "import the library", "µs")

    def speaks(self, contender: Contender) -> bool:
        return True

    def sample(self, contender: Contender, quick: bool) -> Figures:
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}  # the first import writes the byte code
        program = (f"import time; began = time.process_time_ns(); import {contender.module}; "
                   "print(time.process_time_ns() - began)")
        done = subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.PIPE, cwd=ROOT,
                              env=environment)
        return {"value": int(done.stdout) / 1000}

    def warm_up(self, contender: Contender) -> None:
        self.sample(contender, True)


class RunNothing(Alone):
    """Make a kernel or a loop, run a coroutine that does nothing, and close it again."""

    def __init__(self) -> None:
        super().__init__("run", "cost", "run() of nothing", "µs")

    def speaks(self, contender: Contender) -> bool:
        return True

    def warm_up(self, contender: Contender) -> None:
        contender.run(nothing)

    def sample(self, contender: Contender, quick: bool) -> Figures:
        count = 2 if quick else 300
        meter = Meter()
        with meter:
            for _ in range(count):
                contender.run(nothing)
        return {"value": meter.spent / 1000 / count}
