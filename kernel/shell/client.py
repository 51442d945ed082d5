"""Asking a process what it does: finding its socket, and talking to it."""

from __future__ import annotations

import codecs
import json
import os
import pwd
import re
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from glob import glob
from typing import Any

from ..serving.places import check_directory, is_refused, peer_of, places, socket_in

LONGEST = 1 << 28  # bytes of an answer
PATIENCE = 30.0  # seconds that a process may take for the next part of an answer
MOMENT = 0.2  # seconds
ADVICE = ("start it by 'trampoline run', 'trampoline asyncio', 'python -m kernel' or 'python -m compat', or with "
          "TRAMPOLINE_INSIGHT=1 in its environment")


class Unreachable(Exception):
    """The process cannot be asked; the message is one line that says why, and what to do. `status` is for the shell."""

    def __init__(self, message: str, status: int = 2) -> None:
        super().__init__(message)
        self.status = status


class Absent(Unreachable):
    """The process is there, and does not offer itself."""


def connect(pid: int, patience: float) -> socket.socket:
    """A connection to the process `pid`. The system has been asked whether it is that process."""
    if not hasattr(socket, "SO_PEERCRED"):
        raise Unreachable(f"processes cannot be looked into on {sys.platform}, where a Unix socket does not tell who is at "
                          "its other end; Ctrl-\\ has a program print what its tasks do")
    user = user_of(pid)
    if os.geteuid() not in (0, user):
        raise Unreachable(f"process {pid} belongs to the user {name_of(user)}: only that user and root can look into it")
    for owner in dict.fromkeys((user, os.geteuid())):  # a process that has given up root's rights offered itself before
        for directory in places(owner):
            path = socket_in(directory, pid)
            if os.path.lexists(path):
                try:
                    check_directory(directory, owner)
                    connection = connected_to(path, patience)
                except ConnectionRefusedError:  # the file is left from another process
                    continue
                except BlockingIOError:
                    raise silent(pid) from None
                except OSError as error:
                    raise Unreachable(f"process {pid} cannot be reached: {error}") from None
                if peer_of(connection) != (pid, owner):
                    connection.close()
                    raise Unreachable(f"{path} was made by another process, not by process {pid}; remove it")
                return connection
    raise Absent(f"process {pid} does not offer itself, or is no program on the kernel; {ADVICE}")


def connected_to(path: str, patience: float) -> socket.socket:
    """A connection to whoever listens there. `BlockingIOError` when too many others wait already."""
    deadline = time.monotonic() + min(patience, 2.0)
    while True:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(patience)
        try:
            connection.connect(path)
            return connection
        except BaseException as error:
            connection.close()
            if not isinstance(error, BlockingIOError) or time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def silent(pid: int) -> Unreachable:
    return Unreachable(f"process {pid} does not answer: it may be stopped, or busy in a call that holds the "
                       "interpreter", 1)


def user_of(pid: int) -> int:
    """The effective user of the process."""
    try:
        with open(f"/proc/{pid}/status") as lines:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in lines if ":\t" in line)
    except OSError:
        raise Unreachable(f"there is no process {pid}; 'trampoline ps' lists those that can be asked") from None
    if status["State"].startswith("Z"):
        raise Unreachable(f"process {pid} has ended", 1)
    if status["Tgid"] != str(pid):
        raise Unreachable(f"{pid} is a thread of the process {status['Tgid']}; give that number")
    return int(status["Uid"].split("\t")[1])


def name_of(user: int) -> str:
    try:
        return f"{pwd.getpwuid(user).pw_name!r}"
    except KeyError:
        return str(user)


class Conversation:
    """One request to the process `pid` and what it answers; a block at whose end the connection is closed."""

    def __init__(self, pid: int, patience: float = PATIENCE) -> None:
        self._pid = pid
        self._socket = connect(pid, patience)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Conversation:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._file.close()
        self._socket.close()

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Make the request; return the line of JSON that answers it."""
        try:
            with suppress(ConnectionError):  # what the process has said before it closed is still to be read
                self._socket.sendall(json.dumps(request).encode() + b"\n")
            line = self._file.readline(LONGEST)
        except TimeoutError:
            raise silent(self._pid) from None
        except ConnectionError:
            line = b""
        return self._decoded(line)

    def _decoded(self, line: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(line)
            error = answer.get("error")
        except (AttributeError, ValueError, RecursionError):
            raise self._broken_off() from None
        if error is not None:
            raise Unreachable(f"process {self._pid} has answered: {error}")
        return answer  # type: ignore[no-any-return]  # by the lines above

    def _broken_off(self) -> Unreachable:
        deadline = time.monotonic() + MOMENT
        while time.monotonic() < deadline:  # one that is killed is there for a moment without its descriptors
            try:
                user_of(self._pid)
            except Unreachable:
                return Unreachable(f"process {self._pid} has ended", 1)
            time.sleep(0.02)
        return Unreachable(f"process {self._pid} has broken its answer off; ask again", 1)

    def text(self) -> Iterator[str]:
        """The text that comes after the answer, as it comes, until the process ends it."""
        self._socket.settimeout(None)
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        with suppress(ConnectionError):
            while data := self._file.read1(1 << 20):
                yield decode(data)

    def lines(self) -> Iterator[Any]:
        """What comes after the answer, a line of JSON each time, until the process ends it."""
        self._socket.settimeout(None)
        with suppress(ConnectionError, ValueError):  # also one of our own closing, in another thread
            while (line := self._file.readline(LONGEST)).endswith(b"\n"):
                yield self._decoded(line)

    def tell(self, request: dict[str, Any]) -> None:
        """Say something more to a process that sends lines."""
        with suppress(OSError):  # it has gone
            self._socket.sendall(json.dumps(request).encode() + b"\n")

    def cut_off(self) -> None:
        """End the lines at once. Another thread may be waiting for the next one."""
        with suppress(OSError):  # it has gone
            self._socket.shutdown(socket.SHUT_RDWR)

    def detach(self) -> None:
        """Have the process end the text."""
        with suppress(OSError):  # it has gone
            self._socket.shutdown(socket.SHUT_WR)


def offering(user: int) -> Iterator[dict[str, Any]]:
    """How the processes of `user` that offer themselves introduce themselves; those of all users if that is root.

    One that does not answer is introduced by the system, without the number of its tasks.
    """
    for directory in directories_of(user):
        try:
            check_directory(directory, os.lstat(directory).st_uid if user == 0 else user)
            names = os.listdir(directory)
        except OSError:
            continue  # there is none, or it is not to be trusted
        for name in sorted(names, key=lambda name: (len(name), name)):
            number = re.fullmatch(r"([1-9][0-9]*)\.sock", name)
            if number is not None and number[1] != str(os.getpid()):
                pid = int(number[1])
                try:
                    with Conversation(pid, 1.0) as conversation:
                        yield conversation.ask({"ask": "hello"})
                except Absent:
                    pass
                except Unreachable:
                    if os.path.exists(f"/proc/{pid}"):
                        yield {"pid": pid, "argv": command_line(pid)}
                    else:
                        remove_stale(os.path.join(directory, name))


def command_line(pid: int) -> list[str]:
    try:
        with open(f"/proc/{pid}/cmdline", errors="backslashreplace") as file:
            return file.read().split("\0")[:-1]
    except OSError:
        return []  # it has ended meanwhile


def directories_of(user: int) -> list[str]:
    found = places(user)
    if user == 0:
        found += sorted({*glob("/tmp/trampoline-[0-9]*"), *glob("/run/user/[0-9]*/trampoline")} - {*found})
    return found


def remove_stale(path: str) -> None:
    """Remove a socket's file that a process has left, if nobody listens there: it may be one of another container."""
    if is_refused(path):
        with suppress(OSError):  # somebody else has done it
            os.unlink(path)
