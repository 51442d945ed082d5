"""The names of Unix sockets: a path is a real file of the kind "socket", so that programs find and remove it."""

from __future__ import annotations

import errno
import os
import stat
from typing import Any

from .wires import failure

LONGEST = 108  # bytes of an address, in Linux


def unix_address(path: Any) -> str | bytes:
    """What `getsockname` shows of a socket that is bound to `path`. Raises what `socket` raises for what is none."""
    if isinstance(path, str):
        name = os.fsencode(path)
    elif isinstance(path, (bytes, bytearray, memoryview)):
        name = bytes(path)
    else:
        raise TypeError(f"a bytes-like object is required, not '{type(path).__name__}'")
    if len(name) > LONGEST - (0 if name.startswith(b"\0") else 1):
        raise OSError("AF_UNIX path too long")
    return name if name.startswith(b"\0") else os.fsdecode(name)


def make_file(path: str) -> None:
    """Make the file of a socket that is bound to `path`."""
    try:
        os.mknod(path, 0o777 | stat.S_IFSOCK)  # less what the process's umask takes away, as for a real one
    except FileExistsError:
        raise failure(errno.EADDRINUSE) from None


def check_file(path: str) -> None:
    """Raise the `OSError` of a connection to a path that is no socket's."""
    if not stat.S_ISSOCK(os.stat(path).st_mode):
        raise failure(errno.ECONNREFUSED)
