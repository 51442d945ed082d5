"""A parallel job runner, a small `make -j`: it runs commands that depend on each other, several at a time.

    python3 -m kernel examples/kernel/jobs.py --jobs 4 build.jobs

A job file has a line `NAME: DEPENDENCIES` for each job, which may have no dependencies. Indented shell commands follow:

    fetch:
        curl -O https://example.org/data
    build: fetch
        ./configure
        make
    test: build

A job starts when the jobs that it depends on have succeeded. After a failure no new job is started; with --keep-going,
those that do not depend on the failed one are. The output of a job is shown as a whole when the job ends. A terminal
also gets a line with the progress. Ctrl-C kills the jobs that run, and the processes that they have started. The exit
status is 1 when a job failed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from subprocess import STDOUT, CompletedProcess, TimeoutExpired

from kernel import Queue, TaskGroup, run_process


@dataclass
class Job:
    """A job: its name, the names of the jobs that it needs, and its commands."""

    name: str
    needs: list[str]
    commands: list[str] = field(default_factory=list)


def parse(lines: Iterable[str]) -> dict[str, Job]:
    """The jobs of a job file, by name. A `ValueError` says what is wrong with the file."""
    jobs: dict[str, Job] = {}
    job = None
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0].isspace():
            if job is None:
                raise ValueError(f"line {number}: a command before the first job")
            job.commands.append(line.strip())
            continue
        name, colon, needs = line.partition(":")
        if not colon or not name.strip():
            raise ValueError(f"line {number}: neither 'NAME: DEPENDENCIES' nor an indented command")
        if name.strip() in jobs:
            raise ValueError(f"line {number}: there is a job {name.strip()!r} already")
        job = jobs[name.strip()] = Job(name.strip(), needs.split())
    for job in jobs.values():
        for need in job.needs:
            if need not in jobs:
                raise ValueError(f"job {job.name!r} needs {need!r}, which is no job")
    return jobs


class Runner:
    """Runs jobs, and keeps the names of those that run, are done, or have failed."""

    def __init__(self, jobs: dict[str, Job], limit: int, timeout: float | None, keep_going: bool) -> None:
        self.jobs = jobs
        self.limit = limit
        self.timeout = timeout
        self.keep_going = keep_going
        self.running: list[str] = []
        self.done: list[str] = []
        self.failed: list[str] = []

    async def run(self) -> None:
        """Run all jobs; when some fail, run those that may still run."""
        order = TopologicalSorter({job.name: job.needs for job in self.jobs.values()})
        order.prepare()
        waiting: list[str] = []
        ended: Queue[tuple[str, bool]] = Queue()
        async with TaskGroup() as group:
            while True:
                waiting += order.get_ready()
                while waiting and len(self.running) < self.limit and (self.keep_going or not self.failed):
                    name = waiting.pop(0)
                    self.running.append(name)
                    await group.spawn(self.run_job(self.jobs[name], ended), name=name)
                self.show_progress()
                if not self.running:
                    return
                name, succeeded = await ended.get()
                self.running.remove(name)
                if succeeded:
                    self.done.append(name)
                    order.done(name)
                else:
                    self.failed.append(name)

    async def run_job(self, job: Job, ended: Queue[tuple[str, bool]]) -> None:
        start = time.monotonic()
        try:
            result = await self.execute(job)
        except TimeoutExpired as error:
            self.report(job, f"killed after {error.timeout:g} s", error.output or b"")
            ended.put_nowait((job.name, False))
            return
        verdict = "done" if result.returncode == 0 else f"failed with code {result.returncode}"
        self.report(job, f"{verdict} in {time.monotonic() - start:.2f} s", result.stdout)
        ended.put_nowait((job.name, result.returncode == 0))

    async def execute(self, job: Job) -> CompletedProcess[bytes]:
        return await run_process("\n".join(["set -e", *job.commands]), shell=True, stderr=STDOUT, timeout=self.timeout)

    def report(self, job: Job, verdict: str, output: bytes) -> None:
        with self.line_cleared():
            print(f"[{job.name}] {verdict}", flush=True)
            sys.stdout.buffer.write(output if not output or output.endswith(b"\n") else output + b"\n")
            sys.stdout.flush()

    def show_progress(self) -> None:
        if sys.stderr.isatty():
            with self.line_cleared():
                running = ", ".join(self.running)
                print(f"{len(self.done)}/{len(self.jobs)} done, {len(self.failed)} failed; running: {running}"[:79],
                      end="", file=sys.stderr, flush=True)

    @contextmanager
    def line_cleared(self) -> Iterator[None]:
        """Clear the progress line, so that the block can print in its place. The line is for terminals only."""
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)
        yield


async def main() -> None:
    parser = argparse.ArgumentParser(description="Run jobs that depend on each other, several at a time.")
    parser.add_argument("file", help="the job file; - is standard input")
    parser.add_argument("-j", "--jobs", type=int, default=4, help="how many at a time (default: %(default)s)")
    parser.add_argument("-k", "--keep-going", action="store_true", help="when a job fails, run what does not need it")
    parser.add_argument("-t", "--timeout", type=float, help="seconds after which a job is killed")
    options = parser.parse_args()
    try:
        file = sys.stdin if options.file == "-" else open(options.file)
    except OSError as error:
        parser.error(f"cannot read the job file: {error}")
    with file as lines:
        try:
            jobs = parse(lines)
            runner = Runner(jobs, options.jobs, options.timeout, options.keep_going)
            await runner.run()
        except CycleError as error:
            sys.exit(f"{lines.name}: jobs need each other in a circle: {' -> '.join(error.args[1])}")
        except ValueError as error:
            sys.exit(f"{lines.name}: {error}")
    left = len(jobs) - len(runner.done) - len(runner.failed)
    with runner.line_cleared():
        print(f"{len(runner.done)} done, {len(runner.failed)} failed, {left} not run")
    if runner.failed:
        sys.exit(1)
