"""Sub-processes: the kernel starts them, notices when they exit, and leaves none behind.

Every child leads a session of its own, and so a process group. The processes that the child starts belong to the group,
and can be killed together with it. The kernel notices a child's exit as an event: its pidfd becomes readable. Where the
system has no pidfd, a thread waits for the child. The kernel does not touch the signal SIGCHLD.

A child that has exited is reaped only when the program closes its `Process`, or lets go of it. Until then the system
gives the child's number, which is also the number of its group, to no other process. So the kernel can still kill what
is left of the group, and nothing else.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from subprocess import PIPE
from typing import IO, Any, Union

from ..checks import check_seconds
from ..core import Kernel
from ..net.channels import Data
from ..net.streams import Stream
from ..sync.groups import TaskGroup
from ..sync.shields import shielded
from ..sync.timeouts import timeout
from ..syscalls import Syscall, call
from ..task import Task
from ..waitable import Waitable

Argument = Union[str, bytes, "os.PathLike[str]"]
Command = Union[Argument, Sequence[Argument]]
Redirection = Union[int, IO[Any], None]  # as in `subprocess.Popen`: PIPE, DEVNULL, STDOUT, a file, None


class Children:
    """The children of a kernel that are not reaped: those that run, and those that have exited and are still in use."""

    def __init__(self) -> None:
        self.running: set[Process] = set()
        self.exited: weakref.WeakSet[Process] = weakref.WeakSet()


@contextmanager
def children(kernel: Kernel) -> Iterator[Children]:
    """The kernel's children. When the kernel closes it kills those that are left, with their groups, and reaps them."""
    family = Children()
    try:
        yield family
    finally:
        for process in [*family.running, *family.exited]:
            process.close_pipes()
            try:
                process.kill()
            except OSError as error:  # the child has become another user's
                process.forget()
                kernel.report(f"{process} cannot be killed", error)
            else:
                process.finish()


class Process:
    """A child process; made by `open_process`.

    `stdin`, `stdout` and `stderr` are streams where the child has a pipe, else None. `async with process:` ends with
    `close`: it closes the pipes, kills what is left of the process group, and reaps the child. A child that nobody
    closes is reaped when it has exited and the program has let go of this object; the processes that it has started
    then go on.
    """

    def __init__(self, kernel: Kernel, popen: subprocess.Popen[bytes], command: str) -> None:
        self._kernel = kernel
        self._popen = popen
        self._command = command
        self._exit: Waitable[int] = Waitable()
        self._pidfd = -1
        self._thread: threading.Thread | None = None
        self.pid = popen.pid
        self.stdin = self._stream(popen.stdin, "stdin")
        self.stdout = self._stream(popen.stdout, "stdout")
        self.stderr = self._stream(popen.stderr, "stderr")
        kernel.resource(children).running.add(self)
        self._watch()

    def _stream(self, pipe: IO[bytes] | None, name: str) -> Stream | None:
        return None if pipe is None else Stream.of_pipe(pipe, f"the {name} of {self}")

    def _watch(self) -> None:
        """Let the kernel notice the child's exit: by its pidfd, or else by a thread."""
        if hasattr(os, "pidfd_open"):
            with suppress(OSError):  # a sandbox may forbid it, or the table of descriptors may be full
                self._pidfd = os.pidfd_open(self.pid)
                return self._kernel.poller.watch(self._pidfd, False, Exit(self))
        self._kernel.calls.expected += 1
        self._thread = threading.Thread(target=self._wait_in_thread, name=f"wait for {self}")
        self._thread.start()

    def _wait_in_thread(self) -> None:
        if hasattr(os, "waitid"):
            with suppress(ChildProcessError):  # the program ignores SIGCHLD: the system has reaped the child itself
                os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        else:
            self._popen.wait()
        with suppress(RuntimeError):  # the kernel is closed: it could not kill the child, and has given it up
            self._kernel.call_from_thread(self._exited_in_thread)

    def _exited_in_thread(self) -> None:
        assert self._thread is not None
        self._thread.join()
        self._kernel.calls.expected -= 1
        self.exited()

    def exited(self) -> None:
        """The child has exited: take its code, without reaping it, and wake those who wait."""
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1
        if self._exit.done():
            return
        if self._popen.returncode is None and hasattr(os, "waitid"):
            with suppress(ChildProcessError):
                status = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
                assert status is not None
                code = status.si_status
                family = self._kernel.resource(children)
                family.running.discard(self)
                family.exited.add(self)
                return self._exit.complete(code if status.si_code == os.CLD_EXITED else -code)
        self.finish()

    def finish(self) -> None:
        """Reap the child, which has exited or was killed; this blocks until it has exited. Harmless a second time."""
        if self._thread is not None:
            self._thread.join()  # first, since the thread waits for the child too
        code = self._popen.wait()
        self.forget()
        if not self._exit.done():
            self._exit.complete(code)

    def forget(self) -> None:
        """Take the child out of the kernel, which will not notice its exit any more."""
        family = self._kernel.resource(children)
        family.running.discard(self)
        family.exited.discard(self)
        if self._pidfd >= 0:
            self._kernel.poller.unwatch(self._pidfd, False)
            os.close(self._pidfd)
            self._pidfd = -1

    def __del__(self) -> None:
        if self._exit.done():
            self._popen.wait()  # the child has exited: this only reaps it

    @property
    def returncode(self) -> int | None:
        """The child's exit code; minus the signal's number if a signal killed it; None while it runs."""
        return self._exit.result() if self._exit.done() else None

    def wait(self) -> Waitable[int]:
        """Wait until the child has exited; the answer is its `returncode`. Any number of tasks may wait.

        Cancellation ends the wait at once and does not touch the child. A child that writes much into a pipe that
        nobody reads waits for ever, and so does a task that waits for the child.
        """
        return self._exit

    def send_signal(self, number: int) -> None:
        """Send the signal to the whole process group: the child and those it has started. Once closed, do nothing."""
        if self._popen.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def terminate(self) -> None:
        """Ask the whole process group to end, by SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the whole process group, by SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def close_pipes(self) -> None:
        """Close this side of the child's pipes."""
        for stream in self.stdin, self.stdout, self.stderr:
            if stream is not None:
                stream.close()

    async def close(self) -> None:
        """Close the pipes, kill what is left of the process group, and reap the child. Harmless a second time.

        A cancellation is held back until that is done. It takes a moment only, since no process can ignore SIGKILL.
        """
        self.close_pipes()
        self.kill()
        async with shielded():
            await self._exit
            self.finish()

    async def __aenter__(self) -> Process:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    def __str__(self) -> str:
        return f"process {self.pid} {self._command}"

    def __repr__(self) -> str:
        return f"<{self} {'running' if self.returncode is None else f'exited with {self.returncode}'}>"


class Exit:
    """The listener at a child's pidfd: the poller tells it of the child's exit."""

    once = True
    endpoint = None

    def __init__(self, process: Process) -> None:
        self._process = process

    def fire(self, kernel: Kernel) -> None:
        self._process.exited()

    def fail(self, kernel: Kernel, error: OSError) -> None:
        """The program has closed the pidfd, which was the only way to notice the exit: kill the child and reap it."""
        self._process.kill()
        self._process.finish()


class OpenProcess(Syscall[Process]):
    """Start a process; answered at once."""

    __slots__ = ("_command", "_options")

    def __init__(self, command: Command, options: dict[str, Any]) -> None:
        self._command = command
        self._options = options

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        popen = subprocess.Popen(self._command, bufsize=0, start_new_session=True, **self._options)
        try:
            task.inbox = Process(kernel, popen, show_command(self._command))
        except BaseException:
            with popen:  # this closes the pipes and reaps the child
                popen.kill()
            raise
        return True

    def __repr__(self) -> str:
        return f"open_process({self._command!r})"


def show_command(command: Command) -> str:
    """The command, or the program's name if it is a list, for messages."""
    return repr(command if isinstance(command, (str, bytes, os.PathLike)) else os.fspath(command[0]))


def check_command(command: object, function: str) -> None:
    """Raise the `TypeError` or `ValueError` that says why `command` is not a command, if it is not."""
    if isinstance(command, (str, bytes, os.PathLike)):
        return
    if not isinstance(command, Sequence):
        raise TypeError(f"{function}() takes a program's name and its arguments in a list, or a string, not {command!r}")
    if not command:
        raise ValueError(f"{function}() takes a list that begins with a program's name; this one is empty")
    for argument in command:
        if not isinstance(argument, (str, bytes, os.PathLike)):
            raise TypeError(f"{function}() takes strings, bytes and paths as a program's arguments, not {argument!r}")


def open_process(command: Command, *, stdin: Redirection = PIPE, stdout: Redirection = PIPE, stderr: Redirection = None,
                 cwd: Argument | None = None, env: Mapping[str, str] | None = None, shell: bool = False,
                 pass_fds: Sequence[int] = ()) -> Syscall[Process]:
    """Start a program; the answer is a `Process`. Use it in an `async with`, which kills what is left at the end.

    The arguments are those of `subprocess.Popen`. For each `PIPE` the `Process` has a `Stream`; `stdin` and `stdout`
    are pipes by default. Starting the program keeps the kernel's thread busy for about a millisecond. When the kernel
    closes, it kills a child that still runs, with its process group.

    Raises `TypeError` or `ValueError`, at the call, for what is not a command; when awaited, `FileNotFoundError`,
    `PermissionError` or another `OSError` if the program cannot be started. Not a point of cancellation.
    """
    check_command(command, "open_process")
    return OpenProcess(command, dict(stdin=stdin, stdout=stdout, stderr=stderr, cwd=cwd, env=env, shell=shell,
                                     pass_fds=pass_fds))


def run_process(command: Command, *, input: bytes | None = None, check: bool = False, timeout: float | None = None,
                stdout: Redirection = PIPE, stderr: Redirection = PIPE, cwd: Argument | None = None,
                env: Mapping[str, str] | None = None, shell: bool = False,
                pass_fds: Sequence[int] = ()) -> Syscall[subprocess.CompletedProcess[bytes]]:
    """Run a program to its end; the answer is a `subprocess.CompletedProcess` with its exit code and its output.

    The program reads `input` from its standard input; with None there is nothing to read. The end has come when the
    program has exited and no process has its output pipes open any more. Whatever happens, also after a timeout, a
    cancellation or an error, the whole process group is then killed and the child reaped.

    Raises `subprocess.CalledProcessError` if `check` is true and the exit code is not 0. Raises
    `subprocess.TimeoutExpired`, which has the output so far, after `timeout` seconds on the kernel's clock. Raises
    `TypeError` and `ValueError`, at the call, for wrong arguments, and as `open_process` if the program cannot be
    started.
    """
    check_command(command, "run_process")
    if input is not None and not isinstance(input, (bytes, bytearray, memoryview)):
        raise TypeError(f"run_process() takes bytes as a program's input, not {input!r}")
    if timeout is not None:
        timeout = check_seconds(timeout, "run_process")
    options = dict(stdin=subprocess.DEVNULL if input is None else PIPE, stdout=stdout, stderr=stderr, cwd=cwd, env=env,
                   shell=shell, pass_fds=pass_fds)
    return call(_run_process(command, input, check, timeout, options))


async def _run_process(command: Command, input: bytes | None, check: bool, seconds: float | None,
                       options: dict[str, Any]) -> subprocess.CompletedProcess[bytes]:
    process = await OpenProcess(command, options)
    async with process:
        try:
            async with timeout(seconds) as limit:
                async with TaskGroup() as group:
                    if process.stdin is not None and input is not None:
                        await group.spawn(_feed(process.stdin, input), name=f"write to {process.stdin.name}")
                    pipes = [None if stream is None else await group.spawn(stream.read_all(), name=f"read {stream.name}")
                             for stream in (process.stdout, process.stderr)]
                    code = await process.wait()
        except TimeoutError as error:
            if not limit.expired or seconds is None:
                raise
            written = [None if stream is None else bytes(stream.buffer) for stream in (process.stdout, process.stderr)]
            raise subprocess.TimeoutExpired(command, seconds, *written) from error
    output = [None if pipe is None else pipe.result() for pipe in pipes]
    if check and code:
        raise subprocess.CalledProcessError(code, command, *output)
    return subprocess.CompletedProcess(command, code, *output)


async def _feed(stdin: Stream, data: Data) -> None:
    """Write all of `data`, then close the pipe. The program may close its side earlier, without reading everything."""
    async with stdin:
        with suppress(BrokenPipeError, ConnectionResetError):
            await stdin.write_all(data)
