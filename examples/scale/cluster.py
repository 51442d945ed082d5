"""A job for more than one machine, on an existing engine: Dask, each of whose processes runs this project's event loop.

    python3 -m compat examples/scale/cluster.py --workers 3 --kill-one

It finds the longest Collatz sequence that starts below a number. Such a sequence goes from an even number to its half,
and from an odd number to three times that plus one, until it comes to 1. The program cuts the range of starts into
pieces, and Dask hands these out to its workers. The program starts a scheduler and workers on this machine:

    python3 -m compat -m distributed.cli.dask_scheduler --scheduler-file FILE
    python3 -m compat -m distributed.cli.dask_worker --scheduler-file FILE --no-nanny

For a cluster of several machines, start these commands on them, the workers with the scheduler's address in the place
of the file, and use `--scheduler ADDRESS`. The option --no-nanny is there because a nanny would start its worker in a
Python without this loop. With --kill-one, the program kills a worker when a quarter of the results has come, and Dask
gives the work of that worker to the others.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

from distributed import Client, as_completed

PATIENCE = 60.0  # seconds for the cluster to start, for one more result, and for the cluster to end


class Found(NamedTuple):
    """The longest sequence of a piece. If several are equally long, it is the one with the smallest start."""

    terms: int
    start: int
    worker: int  # the id of the process that has looked


def longest(first: int, last: int) -> tuple[int, int, int]:
    """In a worker: look at the sequences that start at `first` or above, and below `last`. The fields of a `Found`."""
    best, start = 0, 0
    for number in range(first, last):
        terms, value = 1, number
        while value != 1:
            value = value // 2 if value % 2 == 0 else 3 * value + 1
            terms += 1
        if terms > best:
            best, start = terms, number
    return best, start, os.getpid()


def loop_of(node: Any) -> tuple[int, str]:
    """The id of a scheduler's or a worker's process, and the module that its event loop comes from."""
    return os.getpid(), type(node.loop.asyncio_loop).__module__


def loop_of_scheduler(dask_scheduler: Any) -> tuple[int, str]:
    return loop_of(dask_scheduler)


def loop_of_worker(dask_worker: Any) -> tuple[int, str]:
    return loop_of(dask_worker)


async def start(module: str, *options: str) -> Process:
    """Start a process of Dask, which prints only critical errors."""
    environment = {"DASK_LOGGING__DISTRIBUTED": "critical", **os.environ}
    command = [sys.executable, "-m", "compat", "-m", f"distributed.cli.{module}", *options]
    return await asyncio.create_subprocess_exec(*command, env=environment)


@contextlib.asynccontextmanager
async def local_cluster(workers: int) -> AsyncIterator[Path]:
    """Run a scheduler and workers on this machine; gives the file in which clients find the scheduler's address."""
    processes: list[Process] = []
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "scheduler.json"
        common = ["--scheduler-file", str(file), "--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]
        worker = ["--no-nanny", "--nthreads", "1", "--local-directory", directory, *common]
        try:
            processes.append(await start("dask_scheduler", "--port", "0", *common))
            for _ in range(workers):
                processes.append(await start("dask_worker", *worker))
            yield file
        finally:
            for process in reversed(processes):  # workers first: one may hang when the scheduler stops with it
                await stop(process)


async def stop(process: Process) -> None:
    """Ask a process to end, and kill it if it has not ended after `PATIENCE` seconds."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), PATIENCE)
    except TimeoutError:
        process.kill()
        await process.wait()


async def search(client: Any, below: int, pieces: int, kill_one: bool) -> list[Found]:
    """Let the cluster look at all sequences that start below `below`, in `pieces` pieces."""
    bounds = [1 + (below - 1) * index // pieces for index in range(pieces + 1)]
    futures = client.map(longest, bounds[:-1], bounds[1:], pure=False)
    results: list[Found] = []
    completed = aiter(as_completed(futures, with_results=True))
    while len(results) < pieces:
        async with asyncio.timeout(PATIENCE):
            _, found = await anext(completed)
        results.append(Found(*found))
        if kill_one and len(results) >= pieces // 4:
            kill_one = False
            victim = results[0].worker
            os.kill(victim, signal.SIGKILL)
            print(f"killed worker {victim} after {len(results)} of {pieces} results")
    return results


async def use(client: Any, options: argparse.Namespace) -> None:
    await client.wait_for_workers(options.workers, timeout=PATIENCE)
    print("client {} on {}".format(os.getpid(), type(asyncio.get_running_loop()).__module__))
    print("scheduler {} on {}".format(*await client.run_on_scheduler(loop_of_scheduler)))
    nodes = await client.run(loop_of_worker)
    for process, loop in nodes.values():
        print(f"worker {process} on {loop}")
    results = await search(client, options.below, options.pieces, options.kill_one)
    terms, number, _ = max(results, key=lambda found: (found.terms, -found.start))
    for worker, count in sorted(Counter(found.worker for found in results).items()):
        print(f"{count} results from worker {worker}")
    left = await client.run(os.getpid)
    print(f"{len(left)} of {len(nodes)} workers are left")
    print(f"below {options.below} the longest sequence starts at {number} and has {terms} terms")


async def main() -> None:
    parser = argparse.ArgumentParser(description="Find the longest Collatz sequence, on a cluster of Dask's.")
    parser.add_argument("--below", type=int, default=300_000, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--pieces", type=int, default=60, metavar="P", help="parts of the range (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="processes to wait for (default: %(default)s)")
    parser.add_argument("--kill-one", action="store_true", help="kill a worker on the way")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="use the cluster there")
    options = parser.parse_args()
    if options.kill_one and (options.scheduler is not None or options.workers < 2):
        parser.error("--kill-one needs two workers or more, of this program's own")
    async with contextlib.AsyncExitStack() as stack:
        if options.scheduler is None:
            where = {"scheduler_file": str(await stack.enter_async_context(local_cluster(options.workers)))}
        else:
            where = {"address": options.scheduler}
        await use(await stack.enter_async_context(Client(asynchronous=True, timeout=PATIENCE, **where)), options)


if __name__ == "__main__":
    asyncio.run(main())
