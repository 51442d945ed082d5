"""`python -m benchmarks.insight`: what it costs to watch a program, as a multiple of the time that it takes unwatched.

The programs are those of the rows `switch`, `spawn` and `echo-streams-1KiB-1`, on the kernel and on the loop of
`compat`. In each round each program runs with each observer in turn, in one process. The figure is processor time, and
the multiple is the median of the rounds, followed by the range of their middle half.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import kernel
from compat.events import EventLoop
from kernel.insight import Observer, Recorder, Strace, Summary
from kernel.insight.usage import Usage
from kernel.insight.watching import Watch

CHUNK = b"x" * 1024


def forget(text: str) -> None:
    """Where the lines of a trace go here: to make them is what is measured, not the disk."""


class Top(Observer):
    """What a live view, `trampoline top`, has watch each kernel."""

    def attach_to(self, kernel: kernel.Kernel) -> Watch:
        return Usage(kernel).attach_to(kernel)


OBSERVERS: dict[str, Callable[[], Observer | None]] = {
    "nobody": lambda: None, "Recorder": Recorder, "Recorder, slow=1": lambda: Recorder(slow=1.0),
    "top": Top, "strace -c": Summary, "strace": lambda: Strace(forget)}

Program = Callable[[int], Awaitable[None]]


async def nothing() -> None:
    pass


async def kernel_switch(count: int) -> None:
    async def spin() -> None:
        for _ in range(count // 10):
            await kernel.checkpoint()

    for task in [await kernel.spawn(spin()) for _ in range(10)]:
        await task


async def kernel_spawn(count: int) -> None:
    for _ in range(count):
        await (await kernel.spawn(nothing()))


async def kernel_echo(count: int) -> None:
    async def answer(stream: kernel.Stream) -> None:
        while data := await stream.read(len(CHUNK)):
            await stream.write(data)

    async with await kernel.serve(answer, "127.0.0.1", 0) as server:
        stream = await kernel.open_connection(*server.addresses[0][:2])
        for _ in range(count):
            await stream.write(CHUNK)
            await stream.read_exactly(len(CHUNK))
        stream.close()


async def compat_switch(count: int) -> None:
    async def spin() -> None:
        for _ in range(count // 10):
            await asyncio.sleep(0)

    for task in [asyncio.create_task(spin()) for _ in range(10)]:
        await task


async def compat_spawn(count: int) -> None:
    for _ in range(count):
        await asyncio.create_task(nothing())


async def compat_echo(count: int) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(len(CHUNK)):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    for _ in range(count):
        writer.write(CHUNK)
        await reader.readexactly(len(CHUNK))
    writer.close()
    await writer.wait_closed()
    server.close()


# Each with how often it does its work: a tenth of a second or so, unwatched.
ON_KERNEL: dict[str, tuple[Program, int]] = {
    "switch": (kernel_switch, 200_000), "spawn": (kernel_spawn, 30_000), "echo": (kernel_echo, 5_000)}
ON_COMPAT: dict[str, tuple[Program, int]] = {
    "switch": (compat_switch, 100_000), "spawn": (compat_spawn, 30_000), "echo": (compat_echo, 5_000)}


def run_on_kernel(program: Any, observer: Observer | None) -> None:
    kernel.run(program, observer=observer)


def run_on_compat(program: Any, observer: Observer | None) -> None:
    with asyncio.Runner(loop_factory=lambda: EventLoop(observer=observer)) as runner:
        runner.run(program)


def measure(run: Callable[[Any, Observer | None], None], program: Program, count: int, rounds: int
            ) -> dict[str, list[float]]:
    """Of each observer the multiples, round by round."""
    multiples: dict[str, list[float]] = {name: [] for name in OBSERVERS}
    for number in range(rounds + 1):  # the first one is to get warm
        seconds = {}
        for name, make in OBSERVERS.items():
            gc.collect()
            begin = time.process_time()
            run(program(count), make())
            seconds[name] = time.process_time() - begin
        for name in OBSERVERS if number else ():
            multiples[name].append(seconds[name] / seconds["nobody"])
    return multiples


def shown(values: list[float]) -> str:
    if len(values) < 4:
        return f"{statistics.median(values):.2f}"
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:.2f} ({low:.2f}-{high:.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.insight", description="Measure what it costs to watch a program.")
    parser.add_argument("--rounds", type=int, default=11, help="how often everything is measured (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="do next to nothing; the figures mean nothing")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("there has to be a round")
    print(f"{'':16}" + "".join(f"{name:>20}" for name in OBSERVERS if name != "nobody"))
    for place, run, programs in (("kernel", run_on_kernel, ON_KERNEL), ("compat", run_on_compat, ON_COMPAT)):
        for name, (program, count) in programs.items():
            multiples = measure(run, program, 10 if options.quick else count, options.rounds)
            print(f"{place + ', ' + name:16}" + "".join(f"{shown(values):>20}" for observer, values in multiples.items()
                                                        if observer != "nobody"), flush=True)


if __name__ == "__main__":
    main()
