"""Real servers for the tests: found, started, waited for, killed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.paths import ROOT

SYSTEM_PATHS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PATIENCE = 30.0  # seconds for a server to begin to listen


def program(name: str, package: str, *elsewhere: str) -> str:
    """The path of a program; skips the test, naming the Debian package, where it is not installed.

    `elsewhere` are directories that are not on the PATH, where the package puts it.
    """
    path = os.pathsep.join([os.environ.get("PATH", ""), SYSTEM_PATHS, *elsewhere])
    found = shutil.which(name, path=path)
    if found is None:
        pytest.skip(f"{name} is missing: apt-get install {package}")
    return found


def free_port() -> int:
    """A TCP port of the local host that nobody listens to now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def exists(pid: int) -> bool:
    """Whether there is such a process; one that has ended exists until its parent has waited for it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for_port(port: int, process: subprocess.Popen[bytes] | None = None, host: str = "127.0.0.1") -> None:
    """Wait until somebody listens; an error when `process`, which should, ends first."""
    limit = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection((host, port), timeout=1).close()
            return
        except OSError:
            if process is not None and process.poll() is not None:
                raise RuntimeError(f"{process.args!r} ended with status {process.returncode}") from None
            if time.monotonic() > limit:
                raise TimeoutError(f"nobody listens at {host}:{port} after {PATIENCE:g} seconds") from None
            time.sleep(0.02)


class Server:
    """A server's process, which can be killed and started again at the same port."""

    def __init__(self, command: Sequence[str | Path], port: int, log: Path, **options: object) -> None:
        self.command = [str(part) for part in command]
        self.port = port
        self.log = log
        self._options = options
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True, **self._options)  # type: ignore[call-overload]
        try:
            wait_for_port(self.port, self.process)
        except Exception as error:
            self.kill()
            raise RuntimeError(f"{error}; it said:\n{self.log.read_text(errors='replace')[-4000:]}") from None

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal to the server and all its children, and wait for its end."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                pass
            self.process.wait(PATIENCE)
            self.process = None


@contextmanager
def served(command: Sequence[str | Path], port: int, log: Path, **options: object) -> Iterator[Server]:
    """A server that listens at `port` inside the `with` block; `options` are those of `subprocess.Popen`."""
    server = Server(command, port, log, **options)
    try:
        server.start()
        yield server
    finally:
        server.kill()


@contextmanager
def served_program(text: str, directory: Path, *arguments: str | Path, on_compat: bool = True) -> Iterator[Server]:
    """A program that listens at the port which is its first argument, run by `python -m compat` or by `python`."""
    program = directory / "serving.py"
    program.write_text(text)
    port = free_port()
    command = [sys.executable, *(["-m", "compat"] if on_compat else []), program, str(port), *arguments]
    with served(command, port, directory / "log", env={**os.environ, "PYTHONPATH": str(ROOT)}) as server:
        yield server
