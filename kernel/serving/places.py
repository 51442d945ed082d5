"""Where a process offers itself to tools: the socket `PID.sock` in a directory that only its user can enter.

The directory is `$XDG_RUNTIME_DIR/trampoline` where the user has such a directory, else `/tmp/trampoline-UID`. Both
sides look at it before they use it, and then ask the system who is at the other end of the connection.
"""

from __future__ import annotations

import os
import socket
import stat
import struct

LONGEST = 107  # bytes of the path of a Unix socket


def own_directory() -> str:
    """The directory for the sockets of this process's user, made if it is not there. `OSError` when it is not safe."""
    user = os.geteuid()
    path = places(user)[0]
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass
    check_directory(path, user)
    return path


def places(user: int) -> list[str]:
    """The directories in which a process of `user` may offer itself: first the one that this process would use."""
    found = [f"/tmp/trampoline-{user}"]
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    if is_usable(given, user):
        found.insert(0, os.path.join(given, "trampoline"))
    usual = f"/run/user/{user}"  # which others may have been given
    if usual != given and is_usable(usual, user):
        found.append(os.path.join(usual, "trampoline"))
    return found


def is_usable(runtime: str, user: int) -> bool:
    """Whether `runtime` is a directory of the user's that nobody else can write to, and that is not too long a path."""
    try:
        status = os.stat(runtime)
    except OSError:
        return False
    largest = socket_in(os.path.join(runtime, "trampoline"), 4_194_304)  # the largest number of a process on Linux
    return (os.path.isabs(runtime) and stat.S_ISDIR(status.st_mode) and status.st_uid == user
            and not status.st_mode & 0o022 and len(os.fsencode(largest)) <= LONGEST)


def check_directory(path: str, user: int) -> None:
    """Raise `OSError` unless `path` is a directory of the user's that nobody else can enter."""
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        reason = "it is a symbolic link"
    elif not stat.S_ISDIR(status.st_mode):
        reason = "it is not a directory"
    elif status.st_uid != user:
        reason = f"it belongs to the user {status.st_uid}, not {user}"
    elif status.st_mode & 0o077:
        reason = f"its mode {stat.S_IMODE(status.st_mode):04o} lets other users in"
    else:
        return
    raise PermissionError(f"the directory for the sockets of insight, {path}, is not safe: {reason}; remove it, and it "
                          "is made anew")


def socket_in(directory: str, pid: int) -> str:
    """The path of the socket of the process `pid`."""
    return os.path.join(directory, f"{pid}.sock")


def peer_of(connection: socket.socket) -> tuple[int, int]:
    """The process at the other end of a Unix socket, and its user, as the system knows them."""
    pid, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return pid, user


def identity(fd: int) -> tuple[int, int] | None:
    """What the descriptor is open on, or None when it is not open."""
    try:
        status = os.fstat(fd)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def is_refused(path: str) -> bool:
    """Whether nobody listens at the socket `path`: the process that made it has ended."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return True
        except OSError:
            pass  # somebody listens, and has no time, or the file is not what it should be
        return False
