"""Making a failing program small: whatever can go, or be simpler, while the program still fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from .program import Block, Program, Step


def shrink(program: Program, fails: Callable[[Program], bool], seconds: float = 60.0) -> Program:
    """The smallest program that can be reached from `program` by steps each of which `fails`, within `seconds`."""
    deadline = time.monotonic() + seconds
    tried = {program}
    improved = True
    while improved:
        improved = False
        for candidate in simpler_programs(program):
            if candidate in tried:
                continue
            if time.monotonic() > deadline:
                return program
            tried.add(candidate)
            if fails(candidate):
                program, improved = candidate, True
                break
    return program


def simpler_programs(program: Program) -> Iterator[Program]:
    """Programs that are simpler by one thing, those that are simpler by most first."""
    for number, body in enumerate(program):
        if body:
            yield (*program[:number], (), *program[number + 1:])
    for number, body in enumerate(program):
        for simpler in simpler_blocks(body):
            yield (*program[:number], simpler, *program[number + 1:])


def simpler_blocks(block: Block) -> Iterator[Block]:
    """The block without some of its statements, or with one of them simpler."""
    length = len(block)
    while length:
        for start in range(0, len(block), length):
            yield block[:start] + block[start + length:]
        length //= 2
    for place, step in enumerate(block):
        for simpler in simpler_steps(step):
            yield block[:place] + simpler + block[place + 1:]


def simpler_steps(step: Step) -> Iterator[Block]:
    """What may stand in the place of a statement: one of its blocks, or the statement with less in it."""
    for inner in step.blocks:
        if inner:
            yield inner
    for place, inner in enumerate(step.blocks):
        for simpler in simpler_blocks(inner):
            yield (replace(step, blocks=(*step.blocks[:place], simpler, *step.blocks[place + 1:])),)
    for place, number in enumerate(step.numbers):
        for lower in sorted({0, number // 2, number - 1}):
            if 0 <= lower < number:
                yield (replace(step, numbers=(*step.numbers[:place], lower, *step.numbers[place + 1:])),)
