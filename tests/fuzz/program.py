"""Programs as data: the body of every task is a block of statements, some of which have blocks inside.

A statement's arguments are plain numbers; what each stands for is said by the vocabulary. So a program can be made,
cut down and written out without knowing what its statements mean.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

BODIES = 6  # how many tasks have a body of their own; body 0 is the main task's
STATEMENTS = 5  # at most, in the body of a task
INNER = 3  # at most, in a block inside
DEPTH = 3
NUMBERS = 24  # an argument is smaller than that


@dataclass(frozen=True)
class Domain:
    """What an argument may be: the source text for each number, the simplest first."""

    texts: tuple[str, ...]

    def text(self, number: int) -> str:
        return self.texts[number % len(self.texts)]


@dataclass(frozen=True)
class Bodies(Domain):
    """The body of another task, with a higher number than the one that names it: a program cannot run in circles."""

    texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kind:
    """A kind of statement.

    `template` is its source: `{0}` is its first argument, `{here}` the name of the place, and a line `BLOCK0` stands
    for the first of its `blocks`. On a Python older than `since` the statement does nothing.
    """

    name: str
    weight: float
    template: str
    domains: tuple[Domain, ...] = ()
    blocks: int = 0
    since: tuple[int, int] = (3, 11)


@dataclass(frozen=True)
class Step:
    """A statement: an instance of a kind."""

    kind: str
    numbers: tuple[int, ...] = ()
    blocks: tuple[tuple[Step, ...], ...] = ()


Block = tuple[Step, ...]
Program = tuple[Block, ...]


def random_program(seed: int, kinds: Sequence[Kind]) -> Program:
    """The program of this seed; the same on every Python.

    About half of the kinds are left out of each program, so that those which are in it meet more often. The first kind
    makes a task; the main task begins with some of that.
    """
    chance = random.Random(seed)
    chosen = [kind for kind in kinds if chance.random() < 0.5 or kind.weight >= 8]
    start = tuple(random_step(chance, kinds[0], kinds, DEPTH) for _ in range(chance.randint(1, 3)))
    first, *others = (random_block(chance, chosen, STATEMENTS, DEPTH) for _ in range(BODIES))
    return (start + first, *others)


def random_block(chance: random.Random, kinds: Sequence[Kind], length: int, depth: int) -> Block:
    usable = [kind for kind in kinds if depth or not kind.blocks]
    picked = chance.choices(usable, [kind.weight for kind in usable], k=chance.randint(1, length))
    return tuple(random_step(chance, kind, kinds, depth) for kind in picked)


def random_step(chance: random.Random, kind: Kind, kinds: Sequence[Kind], depth: int) -> Step:
    numbers = tuple(chance.randrange(NUMBERS) for _ in kind.domains)
    return Step(kind.name, numbers, tuple(random_block(chance, kinds, INNER, depth - 1) for _ in range(kind.blocks)))


def named_body(body: int, number: int) -> int:
    """The body that an argument names in the body `body`."""
    return min(body + 1 + number % 3, BODIES)


def size(program: Program) -> int:
    """How many statements a program has."""
    return sum(map(block_size, program))


def block_size(block: Block) -> int:
    return sum(1 + sum(map(block_size, step.blocks)) for step in block)
