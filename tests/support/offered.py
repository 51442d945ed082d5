"""Processes that offer themselves, the console command that looks into them, and tools of bad manners."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.support.interpreters import LIMIT, Outcome, Process, next_line, run_python, started_python
from tests.support.paths import ROOT

COMMAND = str(ROOT / "tests" / "support" / "bin" / "trampoline")

# Runs until Ctrl-C. Its tasks have names, and it says when all of them wait.
WAITING = """\
from kernel import current_task, sleep, spawn

async def child():
    await sleep(1000)

async def main():
    for number in range(3):
        await spawn(child(), name=f"child-{number}")
    await sleep(0)
    print("ready", flush=True)
    try:
        await sleep(1000)
    finally:
        print("cleaned up", flush=True)
"""
WAITING_ON_ASYNCIO = """\
import asyncio

async def child():
    await asyncio.sleep(1000)

async def main():
    children = [asyncio.create_task(child(), name=f"child-{number}") for number in range(3)]
    await asyncio.sleep(0)
    print("ready", flush=True)
    try:
        await asyncio.sleep(1000)
    finally:
        print("cleaned up", flush=True)

asyncio.run(main())
"""


class Place:
    """A directory for sockets of a test's own, and the processes that use it."""

    def __init__(self, runtime: Path) -> None:
        self.runtime = runtime
        self.directory = runtime / "trampoline"
        self.environment = {"XDG_RUNTIME_DIR": str(runtime)}

    def socket_of(self, pid: int) -> Path:
        return self.directory / f"{pid}.sock"

    def command(self, *arguments: object, cwd: Path = ROOT, environment: Mapping[str, str] = {}) -> Outcome:
        """What `trampoline ARGUMENTS` gives."""
        return run_python(COMMAND, *map(str, arguments), cwd=cwd, environment={**self.environment, **environment})

    def row_of(self, pid: int) -> str | None:
        """What `trampoline ps` says of that process. Root also sees those of others that run at the same time."""
        status, out, err = self.command("ps")
        assert (status, err) == (0, "")
        return next((line for line in out.splitlines() if line.split()[0] == str(pid)), None)

    @contextmanager
    def started(self, *arguments: object, cwd: Path = ROOT, environment: Mapping[str, str] = {}) -> Iterator[Process]:
        """A Python that has said that it is ready."""
        with started_python(*map(str, arguments), cwd=cwd, environment={**self.environment, **environment}) as process:
            assert next_line(process) == "ready", process.stderr and process.stderr.read()
            yield process

    def connected(self, pid: int | None = None) -> socket.socket:
        """A connection to that process; by default to this one."""
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(LIMIT)
        connection.connect(str(self.socket_of(os.getpid() if pid is None else pid)))
        return connection

    def answer(self, request: bytes, pid: int | None = None) -> Any:
        """What the process answers to these bytes, decoded; None when it just closes."""
        with self.connected(pid) as connection:
            with suppress(BrokenPipeError):  # it has refused the connection, and has closed it already
                connection.sendall(request)
            received = everything_from(connection)
            return json.loads(received) if received else None


def everything_from(connection: socket.socket) -> bytes:
    """What comes until the other end closes."""
    pieces = []
    try:
        while piece := connection.recv(1 << 16):
            pieces.append(piece)
    except ConnectionResetError:
        pass  # it closed before it had read everything
    return b"".join(pieces)

