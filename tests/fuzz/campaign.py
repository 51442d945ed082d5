"""Running programs until the time is up, and showing those that fail."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .isolation import Died, isolated
from .program import Kind, Program, random_program, size
from .shrink import shrink
from .source import source_of

BATCH = 25  # programs that share a process, as long as none fails
ALONE = 10.0  # seconds that one program may take; it takes milliseconds
SHRINKING = 90.0  # seconds
FAILURES = 5  # after so many there is no need to go on


@dataclass(frozen=True)
class Fuzzer:
    """`judge(source, seed)` runs a program and says what is wrong with what it did; None when nothing is."""

    name: str
    kinds: tuple[Kind, ...]
    judge: Callable[[str, int], str | None]

    def verdict(self, source: str, seed: int, seconds: float = ALONE) -> str | None:
        """What is wrong, with the program run in a process of its own."""
        try:
            return isolated(lambda: self.judge(source, seed), seconds)
        except Died as error:
            return f"the program hangs or crashes: {error}"

    def source(self, seed: int) -> str:
        return source_of(random_program(seed, self.kinds), self.kinds)

    def failing(self, seeds: range) -> Iterator[int]:
        """Those of the seeds whose programs fail."""
        def judge_all() -> list[int]:
            return [seed for seed in seeds if self.judge(self.source(seed), seed) is not None]

        try:
            suspects = isolated(judge_all, 2 * ALONE)
        except Died:
            suspects = list(seeds)
        for seed in suspects:
            if self.verdict(self.source(seed), seed) is not None:
                yield seed
            elif len(suspects) < len(seeds):
                print(f"fuzz {self.name}: the program of seed {seed} failed after those before it from {seeds[0]} on, "
                      "and did not when it was run alone", flush=True)

    def smallest(self, seed: int, seconds: float = SHRINKING) -> Program:
        """The program of this seed, made as small as it can be while it still fails."""
        def fails(program: Program) -> bool:
            return self.verdict(source_of(program, self.kinds), seed, 3.0) is not None

        return shrink(random_program(seed, self.kinds), fails, seconds)

    def explain(self, seed: int) -> str:
        """What there is to say of a program that fails."""
        program = self.smallest(seed)
        source = source_of(program, self.kinds)
        verdict = self.verdict(source, seed) or self.verdict(self.source(seed), seed) or "it did not fail again"
        command = f"python -m tests.fuzz {self.name} --seed {seed}"
        return (f"--- {self.name}: the program of seed {seed} fails. To repeat it:\n    {command}\n"
                f"Made small, it has {size(program)} statements. To run that, written to a file:\n"
                f"    {command} --file FILE\n\n"
                f"{source}\n{verdict}\n")

    def run(self, first: int, seconds: float) -> int:
        """Run the programs of `first` and the following seeds for so long; return how many fail."""
        print(f"fuzz {self.name}: programs of seed {first} and the following, for {seconds:g} seconds", flush=True)
        deadline = time.monotonic() + seconds
        seed, failures = first, 0
        while time.monotonic() < deadline and failures < FAILURES:
            for failing in self.failing(range(seed, seed + BATCH)):
                failures += 1
                print(self.explain(failing), flush=True)
                if failures == FAILURES:
                    break
            seed += BATCH
        print(f"fuzz {self.name}: {seed - first} programs, {failures or 'none'} of which failed", flush=True)
        return failures
