"""Files and paths: each operation blocks a thread instead of the kernel.

A file operation that has started is never abandoned: a cancellation waits until it has ended (see `run_in_thread`). So
no write goes on behind the program's back, and no file that a thread has opened is forgotten.
"""

from __future__ import annotations

import os
import pathlib
import sys
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator
from functools import partial
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, AnyStr, Generic, TypeVar, Union, overload

from ..sync.shields import shielded
from ..sync.waiting import Steps
from ..syscalls import Syscall
from ..workers.threads import RunInThread

if TYPE_CHECKING:
    from _typeshed import OpenBinaryMode, OpenTextMode

if sys.platform == "win32":
    from pathlib import PureWindowsPath as PurePath
else:
    from pathlib import PurePosixPath as PurePath

T = TypeVar("T")
_Openable = Union[str, bytes, int, "os.PathLike[str]", "os.PathLike[bytes]"]


def _blocking(function: Callable[..., T], *args: Any) -> Syscall[T]:
    return RunInThread(function, args, False, "files")


class File(Generic[AnyStr]):
    """An open file; made by `open_file`.

    It has the methods of `io`'s file objects, each to be awaited, and their attributes as they are. The methods raise
    what those of `io` raise. A cancellation waits until the operation under way has ended. One task at a time should
    use a file, just as one thread at a time should use a file object. `async for line in file` makes a trip to a thread
    for each line; with many short lines, `readlines(hint)` or a function of your own in a thread is faster.
    """

    def __init__(self, wrapped: IO[AnyStr]) -> None:
        self.wrapped: IO[AnyStr] = wrapped  # the file object of `io`

    def __getattr__(self, name: str) -> Any:
        """Attributes and methods that do not block: `name`, `mode`, `closed`, `encoding`, `fileno`, `readable`, ..."""
        return getattr(self.wrapped, name)

    def read(self, size: int = -1) -> Syscall[AnyStr]:
        return _blocking(self.wrapped.read, size)

    def readline(self, size: int = -1) -> Syscall[AnyStr]:
        return _blocking(self.wrapped.readline, size)

    def readlines(self, hint: int = -1) -> Syscall[list[AnyStr]]:
        return _blocking(self.wrapped.readlines, hint)

    def readinto(self, buffer: Any) -> Syscall[int]:
        """Read into `buffer` and answer with the number of bytes; only for binary files."""
        return _blocking(getattr(self.wrapped, "readinto"), buffer)

    def write(self, data: AnyStr) -> Syscall[int]:
        return _blocking(self.wrapped.write, data)

    def writelines(self, lines: Iterable[AnyStr]) -> Syscall[None]:
        return _blocking(self.wrapped.writelines, lines)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> Syscall[int]:
        return _blocking(self.wrapped.seek, offset, whence)

    def tell(self) -> Syscall[int]:
        return _blocking(self.wrapped.tell)

    def truncate(self, size: int | None = None) -> Syscall[int]:
        return _blocking(self.wrapped.truncate, size)

    def flush(self) -> Syscall[None]:
        return _blocking(self.wrapped.flush)

    def close(self) -> Syscall[None]:
        return _blocking(self.wrapped.close)

    def __aiter__(self) -> File[AnyStr]:
        return self

    async def __anext__(self) -> AnyStr:
        line = await self.readline()
        if not line:
            raise StopAsyncIteration
        return line

    async def __aenter__(self) -> File[AnyStr]:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> None:
        async with shielded():
            await self.close()

    def __repr__(self) -> str:
        return f"File({self.wrapped!r})"


class OpenFile(Steps[File[AnyStr]]):
    """Open a file; made by `open_file`."""

    def __init__(self, open_it: partial[IO[AnyStr]]) -> None:
        self._open: partial[IO[AnyStr]] = open_it
        self._entered = False
        self._file: File[AnyStr] | None = None

    def steps(self) -> Generator[Any, Any, File[AnyStr]]:
        return File((yield from _blocking(self._open)))

    async def __aenter__(self) -> File[AnyStr]:
        if self._entered:
            raise RuntimeError(f"{self!r} cannot be entered twice; call open_file() again")
        self._entered = True
        self._file = await self
        return self._file

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> None:
        assert self._file is not None
        await self._file.__aexit__(kind, error, traceback)

    def __repr__(self) -> str:
        return f"open_file({self._open.args[0]!r})"


@overload
def open_file(file: _Openable, mode: OpenTextMode = "r", buffering: int = -1, encoding: str | None = None,
              errors: str | None = None, newline: str | None = None) -> OpenFile[str]: ...


@overload
def open_file(file: _Openable, mode: OpenBinaryMode, buffering: int = -1, encoding: None = None, errors: None = None,
              newline: None = None) -> OpenFile[bytes]: ...


@overload
def open_file(file: _Openable, mode: str, buffering: int = -1, encoding: str | None = None, errors: str | None = None,
              newline: str | None = None) -> OpenFile[Any]: ...


def open_file(file: _Openable, mode: str = "r", buffering: int = -1, encoding: str | None = None,
              errors: str | None = None, newline: str | None = None) -> OpenFile[Any]:
    """Open a file, with the arguments of the built-in `open`: `async with open_file(path) as file:`.

    Or write `file = await open_file(path)`, and `await file.close()` in the end. When awaited or entered, it raises
    what `open` raises. A cancellation waits until the file is open; then `Cancelled` is raised where the task suspends
    next.
    """
    return OpenFile(partial(open, file, mode, buffering, encoding, errors, newline))


class Path(PurePath):
    """A `pathlib.Path` whose operations on the file system run in threads.

    Operations on the path itself work as in `pathlib` (`/`, `name`, `parent`, `with_suffix`, ...). Operations on the
    file system have the names, arguments and exceptions of `pathlib`, but have to be awaited. Those that give several
    paths (`iterdir`, `glob`, `rglob`) are looped over with `async for`; the whole list is read before the loop begins.
    The paths that come back are of this class. A cancellation waits until the operation under way has ended.
    """

    __slots__ = ()

    def _run(self, method: str, *args: Any, **options: Any) -> Syscall[Any]:
        # pathlib calls methods of the paths that it is given, so it needs paths of its own class.
        args = tuple(pathlib.Path(each) if isinstance(each, Path) else each for each in args)
        return _blocking(_operate, pathlib.Path(self), method, args, options)

    @classmethod
    def cwd(cls) -> Syscall[Path]:
        return _blocking(_operate, pathlib.Path(), "cwd", (), {})

    @classmethod
    def home(cls) -> Syscall[Path]:
        return _blocking(_operate, pathlib.Path(), "home", (), {})

    def stat(self, *, follow_symlinks: bool = True) -> Syscall[os.stat_result]:
        return self._run("stat", follow_symlinks=follow_symlinks)

    def lstat(self) -> Syscall[os.stat_result]:
        return self._run("lstat")

    def exists(self) -> Syscall[bool]:
        return self._run("exists")

    def is_file(self) -> Syscall[bool]:
        return self._run("is_file")

    def is_dir(self) -> Syscall[bool]:
        return self._run("is_dir")

    def is_symlink(self) -> Syscall[bool]:
        return self._run("is_symlink")

    def is_mount(self) -> Syscall[bool]:
        return self._run("is_mount")

    def is_socket(self) -> Syscall[bool]:
        return self._run("is_socket")

    def is_fifo(self) -> Syscall[bool]:
        return self._run("is_fifo")

    def is_block_device(self) -> Syscall[bool]:
        return self._run("is_block_device")

    def is_char_device(self) -> Syscall[bool]:
        return self._run("is_char_device")

    def samefile(self, other: str | os.PathLike[str]) -> Syscall[bool]:
        return self._run("samefile", other)

    def owner(self) -> Syscall[str]:
        return self._run("owner")

    def group(self) -> Syscall[str]:
        return self._run("group")

    def chmod(self, mode: int, *, follow_symlinks: bool = True) -> Syscall[None]:
        return self._run("chmod", mode, follow_symlinks=follow_symlinks)

    def mkdir(self, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> Syscall[None]:
        return self._run("mkdir", mode, parents, exist_ok)

    def rmdir(self) -> Syscall[None]:
        return self._run("rmdir")

    def touch(self, mode: int = 0o666, exist_ok: bool = True) -> Syscall[None]:
        return self._run("touch", mode, exist_ok)

    def unlink(self, missing_ok: bool = False) -> Syscall[None]:
        return self._run("unlink", missing_ok)

    def rename(self, target: str | os.PathLike[str]) -> Syscall[Path]:
        return self._run("rename", target)

    def replace(self, target: str | os.PathLike[str]) -> Syscall[Path]:
        return self._run("replace", target)

    def symlink_to(self, target: str | os.PathLike[str], target_is_directory: bool = False) -> Syscall[None]:
        return self._run("symlink_to", target, target_is_directory)

    def hardlink_to(self, target: str | os.PathLike[str]) -> Syscall[None]:
        return self._run("hardlink_to", target)

    def readlink(self) -> Syscall[Path]:
        return self._run("readlink")

    def absolute(self) -> Syscall[Path]:
        return self._run("absolute")

    def resolve(self, strict: bool = False) -> Syscall[Path]:
        return self._run("resolve", strict)

    def expanduser(self) -> Syscall[Path]:
        return self._run("expanduser")

    def read_bytes(self) -> Syscall[bytes]:
        return self._run("read_bytes")

    def read_text(self, encoding: str | None = None, errors: str | None = None) -> Syscall[str]:
        return self._run("read_text", encoding, errors)

    def write_bytes(self, data: bytes) -> Syscall[int]:
        return self._run("write_bytes", data)

    def write_text(self, data: str, encoding: str | None = None, errors: str | None = None,
                   newline: str | None = None) -> Syscall[int]:
        return self._run("write_text", data, encoding, errors, newline)

    @overload
    def open(self, mode: OpenTextMode = "r", buffering: int = -1, encoding: str | None = None,
             errors: str | None = None, newline: str | None = None) -> OpenFile[str]: ...

    @overload
    def open(self, mode: OpenBinaryMode, buffering: int = -1, encoding: None = None, errors: None = None,
             newline: None = None) -> OpenFile[bytes]: ...

    @overload
    def open(self, mode: str, buffering: int = -1, encoding: str | None = None, errors: str | None = None,
             newline: str | None = None) -> OpenFile[Any]: ...

    def open(self, mode: str = "r", buffering: int = -1, encoding: str | None = None, errors: str | None = None,
             newline: str | None = None) -> OpenFile[Any]:
        return open_file(self, mode, buffering, encoding, errors, newline)

    async def iterdir(self) -> AsyncIterator[Path]:
        for path in await self._run("iterdir"):
            yield path

    async def glob(self, pattern: str) -> AsyncIterator[Path]:
        for path in await self._run("glob", pattern):
            yield path

    async def rglob(self, pattern: str) -> AsyncIterator[Path]:
        for path in await self._run("rglob", pattern):
            yield path


def _operate(path: pathlib.Path, method: str, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """In a thread: call the method. If that gives several paths one by one, read all of them into a list."""
    result = getattr(path, method)(*args, **options)
    if isinstance(result, pathlib.Path):
        return Path(result)
    return [Path(each) for each in result] if isinstance(result, Iterator) else result
