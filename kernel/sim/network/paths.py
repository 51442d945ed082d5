"""The names of Unix sockets: a path is a real file of the kind "socket", so that programs find and remove it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection
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


def make_file(path: str, taken: Collection[Any]) -> tuple[int, int]:
    """Make the file of a socket that is bound to `path`, and return what it is known by, also when it is renamed.

    That is none of `taken`. A system keeps the inode of a socket for as long as that is open, also when its file is
    gone. By that programs know whether a file is still their own, before they remove it.
    """
    in_the_way: list[str] = []
    try:
        while True:
            os.mknod(path, 0o777 | stat.S_IFSOCK)  # less what the process's umask takes away, as for a real one
            known = file_at(path)
            if known not in taken:
                return known
            in_the_way.append(f"{path}.{known[1]}")
            os.rename(path, in_the_way[-1])
    except FileExistsError:
        raise failure(errno.EADDRINUSE) from None
    finally:
        for name in in_the_way:
            os.unlink(name)


def file_at(path: str) -> tuple[int, int]:
    """What the file of a socket is known by. Raises the `OSError` of a connection to a path that is no socket's."""
    found = os.stat(path)
    if not stat.S_ISSOCK(found.st_mode):
        raise failure(errno.ECONNREFUSED)
    return found.st_dev, found.st_ino
