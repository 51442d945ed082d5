"""On Windows, which asyncio's Unix event loop and so `compat` cannot run on: a clear error, and a kernel that works.

Windows is simulated, as far as a Python for Unix can: its name, no epoll nor poll, no descriptors but the sockets', and
without the modules and functions that only Unix has.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.support.interpreters import Outcome, run_python
from tests.support.paths import ROOT

SIMULATION = """
import asyncio, concurrent.futures.process, logging, ssl, subprocess, tempfile  # which ask for the system themselves
import functools, os, select, selectors, signal, socket, sys

class Absent:
    names = {"fcntl", "grp", "pwd", "resource", "termios", "asyncio.unix_events"}

    def find_spec(self, name, path=None, target=None):
        if name in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

def fstat_of_files(fd, fstat=os.fstat):
    if fd > 2:
        raise OSError(9, "a socket's number is no file descriptor")
    return fstat(fd)

socket.socketpair = getattr(socket, "_fallback_socketpair", functools.partial(socket.socketpair, socket.AF_UNIX))
sys.meta_path.insert(0, Absent())
for name in Absent.names:
    sys.modules.pop(name, None)
for owner, names in ((select, "epoll poll"), (socket, "AF_UNIX SO_REUSEPORT"),
                     (signal, "SIGCHLD SIGHUP SIGKILL SIGQUIT SIGUSR1 SIGUSR2 pthread_kill pthread_sigmask"),
                     (os, "fork getuid killpg pidfd_open waitid WNOHANG"), (asyncio, "unix_events SelectorEventLoop")):
    for name in names.split():
        if hasattr(owner, name):
            delattr(owner, name)
selectors.DefaultSelector = selectors.SelectSelector
os.fstat = fstat_of_files
sys.platform = "win32"
"""

PROGRAM = """
import socket
import kernel
from kernel.devices import DefaultPoller
from kernel.devices.selector_poller import SelectorPoller

async def answer(stream):
    async with stream:
        await stream.write_all((await stream.read_line()).upper())

async def talk(port, word):
    stream = await kernel.open_connection("127.0.0.1", port)
    async with stream:
        await stream.write_all(word + b"\\n")
        return await stream.read_line()

async def watch(sock):
    await kernel.wait_readable(sock)

async def main():
    poller = DefaultPoller()
    assert type(poller) is SelectorPoller
    poller.close()
    async with await kernel.serve(answer, "127.0.0.1", 0) as server:
        async with kernel.TaskGroup() as group:
            tasks = [await group.spawn(talk(server.port, b"word %d" % number)) for number in range(20)]
        words = [task.result() for task in tasks]
    assert words == [b"WORD %d\\n" % number for number in range(20)], words
    watched, other = socket.socketpair()
    waiting = await kernel.spawn(watch(watched))
    await kernel.sleep(0.01)
    watched.close()
    try:
        await waiting
    except OSError as error:
        assert "was closed" in str(error), error
    else:
        raise AssertionError("nobody was told of the closed socket")
    other.close()
    async with kernel.timeout(20):
        assert await kernel.run_in_thread(sum, [1, 2, 3]) == 6
    return "done"

print(kernel.run(main()))
"""


Run = Callable[..., Outcome]


@pytest.fixture
def on_windows(tmp_path: Path) -> Run:
    """Runs Python with these arguments; it begins by taking its system for Windows."""
    (tmp_path / "sitecustomize.py").write_text(SIMULATION)
    return partial(run_python, environment={"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"})


@pytest.mark.parametrize("statement", ["import compat", "import compat as asyncio", "import compat.tasks",
                                       "from compat.events import EventLoop"])
def test_importing_compat_says_where_it_runs_and_what_runs_here(on_windows: Run, statement: str) -> None:
    status, _, error = on_windows("-c", statement)
    assert status == 1
    last = error.splitlines()[-1]
    assert last.startswith("ImportError: compat ") and "win32" in last and "import kernel" in last
    files = {line.split('"')[1] for line in error.splitlines() if line.startswith("  File")}
    assert files == {"<string>", str(ROOT / "compat" / "__init__.py")}


def test_the_error_can_be_caught_and_tells_which_module(on_windows: Run) -> None:
    program = ("try:\n    import compat\nexcept ImportError as error:\n    print(error.name)\n"
               "import asyncio, sys\nprint('compat' in sys.modules)")
    assert on_windows("-c", program) == (0, "compat\nFalse\n", "")


@pytest.mark.parametrize("arguments", [["program.py"], ["-m", "module"], ["--legacy", "program.py"], ["--help"], []])
def test_running_a_program_by_compat_says_so_in_a_line(on_windows: Run, arguments: list[str]) -> None:
    status, out, error = on_windows("-m", "compat", *arguments)
    assert (status, out) == (1, "")
    assert "Traceback" not in error and len(error.splitlines()) == 1
    assert "compat " in error and "win32" in error and "import kernel" in error


def test_the_kernel_works_there_with_sockets_timers_and_threads(on_windows: Run) -> None:
    assert on_windows("-c", PROGRAM) == (0, "done\n", "")
