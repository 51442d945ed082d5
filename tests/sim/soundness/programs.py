"""The program of a seed, and its result, which is the same in every schedule."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count

from tests.fuzz.program import Block, Bodies, Program, named_body, random_program
from tests.fuzz.source import source_of

from .statements import ASYNCIO, NATIVE, Statement
from .worlds import CONNECTIONS, AsyncioWorld, NativeWorld, World

LEAST, MOST = 8, 120  # statements that a run carries out
TRIES = 1_000_000  # programs of one seed, of which the first of a good size is taken

FLAVOURS: dict[str, tuple[tuple[Statement, ...], type[World]]] = {
    "native": (NATIVE, NativeWorld), "asyncio": (ASYNCIO, AsyncioWorld)}


@dataclass(frozen=True)
class Sound:
    """A program whose result does not depend on the schedule."""

    source: str
    main: Callable[[], Awaitable[None]]  # runs it once; `AssertionError` when the result is another
    expected: dict[str, object]


def sound_program(seed: int, flavour: str) -> Sound:
    """The program of this seed: "native", for the kernel, or "asyncio"."""
    kinds, world_type = FLAVOURS[flavour]
    for number in count(TRIES * seed):
        program = random_program(number, kinds)
        if LEAST <= Count(program, kinds, everything=True).of_body(0) <= MOST:
            break
    source = source_of(program, kinds)
    code = compile(source, f"<{flavour} program {seed}>", "exec")
    expected: dict[str, object] = {"finished": Count(program, kinds).of_body(0), "open": 0, "units": 0,
                                   "connections": CONNECTIONS}

    async def main() -> None:
        world = world_type()
        exec(code, world.names)
        result = await world.run(world.names["body0"])
        assert result == expected, f"the result is {result}, not {expected}"

    return Sound(source, main, expected)


class Count:
    """How many statements are carried out: in every schedule, or else at most, with those that may be cancelled."""

    def __init__(self, program: Program, kinds: tuple[Statement, ...], everything: bool = False) -> None:
        self._program = (*program, ())
        self._kinds = {kind.name: kind for kind in kinds}
        self._everything = everything

    def of_body(self, number: int) -> int:
        return self._of_block(self._program[number], number)

    def _of_block(self, block: Block, body: int) -> int:
        finished = 0
        for step in block:
            kind = self._kinds[step.kind]
            if sys.version_info < kind.since:
                continue
            finished += 1
            for place, inner in enumerate(step.blocks):
                if self._everything or place in kind.sure_blocks:
                    finished += self._of_block(inner, body)
            for place, number in enumerate(step.numbers):
                if isinstance(kind.domains[place], Bodies) and (self._everything or place in kind.sure_bodies):
                    finished += self.of_body(named_body(body, number))
        return finished
