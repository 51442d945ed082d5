"""Which processes there are: by /proc where the system has one, which a system without `ps` may, else by `ps`."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path
from typing import NamedTuple

from kernel import sleep, timeout


class Entry(NamedTuple):
    """A process; its state is "Z" when it is a zombie, which has no command any more."""

    pid: int
    parent: int
    state: str
    command: str


def processes() -> list[Entry]:
    """All processes of the system."""
    directories = [path for path in Path("/proc").glob("[0-9]*")]
    return [entry for entry in map(_read, directories) if entry is not None] if directories else _listed()


def children_of_this_process() -> list[Entry]:
    """The processes that this one has, zombies included, but not multiprocessing's own, which stays until the end."""
    return [entry for entry in processes() if entry.parent == os.getpid() and "resource_tracker" not in entry.command]


def alive(pid: int) -> bool:
    """Whether there is such a process, and no zombie that its new parent has not reaped yet."""
    return any(entry.pid == pid and entry.state != "Z" for entry in processes())


async def gone(pid: int) -> None:
    """Return when the process is not alive any more."""
    async with timeout(10):
        while alive(pid):
            await sleep(0.01)


def _read(directory: Path) -> Entry | None:
    try:
        # The name before the parenthesis may have any character in it.
        state, parent, *_ = (directory / "stat").read_text().rpartition(")")[2].split()
        words = (directory / "cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return None  # it has ended in the meantime
    return Entry(int(directory.name), int(parent), state, os.fsdecode(b" ".join(words).strip()))


def _listed() -> list[Entry]:
    with subprocess.Popen(["ps", "-A", "-o", "pid=,ppid=,stat=,args="], stdout=subprocess.PIPE, text=True) as ps:
        rows = [line.split(None, 3) for line in ps.communicate()[0].splitlines()]
    return [Entry(int(row[0]), int(row[1]), row[2][0], row[3]) for row in rows if int(row[0]) != ps.pid]


def refused(pid: int, flags: int = 0) -> int:
    """In the place of `os.pidfd_open`: a system without it. `subprocess` itself asks for it since 3.15."""
    raise OSError(errno.ENOSYS, "no pidfd here")
