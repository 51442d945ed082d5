"""A job that outgrows one machine, on an existing engine: Dask, every process of it on this project's loop.

    python3 -m compat examples/scale/cluster.py --workers 3 --kill-one

Finds the longest Collatz sequence (halve what is even, take three times what is odd plus one, until 1) that starts
below a number. The range is cut into pieces for Dask to hand out. Scheduler and workers are started on this machine by

    python3 -m compat -m distributed.cli.dask_scheduler --scheduler-file FILE
    python3 -m compat -m distributed.cli.dask_worker --scheduler-file FILE --no-nanny

and the same on other machines, given the scheduler's address in place of the file, makes a cluster of many, which
`--scheduler ADDRESS` uses. (A nanny would start its worker in a Python that has not been asked for this loop: hence
--no-nanny.) With --kill-one a worker is killed when a quarter of the results has come: Dask gives its work to the
others.
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
    """The longest sequence of a piece; of several that are as long the one with the smallest start."""

    terms: int
    start: int
    worker: int  # the process that has looked


def longest(first: int, last: int) -> tuple[int, int, int]:
    """Look at the sequences that start from `first` to below `last`: `Found`, as a tuple; called in a worker."""
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
    """The process of a scheduler or a worker, and whose its event loop is."""
    return os.getpid(), type(node.loop.asyncio_loop).__module__


def loop_of_scheduler(dask_scheduler: Any) -> tuple[int, str]:
    return loop_of(dask_scheduler)


def loop_of_worker(dask_worker: Any) -> tuple[int, str]:
    return loop_of(dask_worker)


async def start(module: str, *options: str) -> Process:
    """A process of Dask's; it says nothing but errors."""
    environment = {"DASK_LOGGING__DISTRIBUTED": "critical", **os.environ}
    command = [sys.executable, "-m", "compat", "-m", f"distributed.cli.{module}", *options]
    return await asyncio.create_subprocess_exec(*command, env=environment)


@contextlib.asynccontextmanager
async def local_cluster(workers: int) -> AsyncIterator[Path]:
    """A scheduler and workers on this machine; gives the file that tells clients where."""
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
            for process in reversed(processes):  # a worker that is stopped together with the scheduler may hang
                await stop(process)


async def stop(process: Process) -> None:
    """End a process, in order if it does."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), PATIENCE)
    except TimeoutError:
        process.kill()
        await process.wait()


async def search(client: Any, below: int, pieces: int, kill_one: bool) -> list[Found]:
    """Have the cluster look at all sequences that start below `below`."""
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
