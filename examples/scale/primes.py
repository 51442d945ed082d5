"""Count the primes below a number on all processors: the kernel hands the work out to several processes.

    python3 -m kernel examples/scale/primes.py --below 20000000

Threads of one Python process take turns at running Python code; processes run at the same time. `run_in_process` keeps
as many processes as there are processors, and a task waits for a function in one of them as for anything else. The
program cuts the range into many more pieces than there are processors, so that no processor is idle for long while
another works on the last piece. If the number is a power of ten, the program compares the count with the known one.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from math import isqrt
from typing import NamedTuple

from kernel import TaskGroup, run_in_process

KNOWN = {10**3: 168, 10**4: 1_229, 10**5: 9_592, 10**6: 78_498, 10**7: 664_579, 10**8: 5_761_455, 10**9: 50_847_534}


class Piece(NamedTuple):
    """The result for one piece of the range."""

    primes: int
    process: int
    seconds: float  # of processor time


def sieve(stop: int) -> list[int]:
    """The primes below `stop`."""
    unmarked = bytearray([1]) * max(stop, 2)
    unmarked[:2] = b"\0\0"
    for number in range(2, isqrt(max(stop - 1, 0)) + 1):
        if unmarked[number]:
            unmarked[number * number::number] = bytes(len(range(number * number, len(unmarked), number)))
    return [number for number in range(stop) if unmarked[number]]


def count_primes(start: int, stop: int) -> Piece:
    """In a worker process: count the primes that are at least `start`, which is 2 or more, and below `stop`."""
    begin = time.process_time()
    unmarked = bytearray([1]) * (stop - start)
    for prime in sieve(isqrt(stop - 1) + 1):
        first = max(prime * prime, (start + prime - 1) // prime * prime) - start
        unmarked[first::prime] = bytes(len(range(first, stop - start, prime)))
    return Piece(sum(unmarked), os.getpid(), time.process_time() - begin)


async def count_in_processes(below: int, pieces: int) -> list[Piece]:
    """Count the primes below `below`, piece by piece."""
    async def count(start: int, stop: int) -> Piece:
        return await run_in_process(count_primes, start, stop)

    bounds = [2 + (below - 2) * index // pieces for index in range(pieces + 1)]
    async with TaskGroup() as group:
        for start, stop in zip(bounds, bounds[1:]):
            if start < stop:
                await group.spawn(count(start, stop))
    return group.results()


async def main() -> None:
    parser = argparse.ArgumentParser(description="Count primes on all processors.")
    parser.add_argument("--below", type=int, default=10**7, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--pieces", type=int, default=32, metavar="P", help="parts of the range (default: %(default)s)")
    options = parser.parse_args()
    if options.below < 3 or options.pieces < 1:
        parser.error("N is 3 or more, and P 1 or more")
    begin = time.monotonic()
    pieces = await count_in_processes(options.below, options.pieces)
    elapsed = time.monotonic() - begin
    primes = sum(piece.primes for piece in pieces)
    print(f"{primes} primes below {options.below}")
    for process in sorted({piece.process for piece in pieces}):
        own = [piece for piece in pieces if piece.process == process]
        print(f"process {process}: {len(own)} pieces, {sum(piece.seconds for piece in own):.2f} s of work")
    work = sum(piece.seconds for piece in pieces)
    print(f"{work:.2f} s of work in {elapsed:.2f} s, the start of the processes included")
    known = KNOWN.get(options.below)
    if known is not None:
        print("as is known" if primes == known else f"wrong: there are {known}")
        sys.exit(primes != known)
