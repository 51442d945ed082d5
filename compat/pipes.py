"""asyncio's transports of pipes. Every attribute has a slot here, as in the transports of sockets."""

from __future__ import annotations

import os
from asyncio import unix_events
from typing import TYPE_CHECKING, Any

from .transports import USUAL

if TYPE_CHECKING:

    class _ReadPipeTransport:
        _fileno: Any
        _pipe: Any
        max_size: int

        def __init__(self, *args: Any, **kwargs: Any) -> None: ...

    class _WritePipeTransport:
        _buffer: bytearray
        _closing: bool
        _conn_lost: int
        _fileno: Any
        _pipe: Any

        def __init__(self, *args: Any, **kwargs: Any) -> None: ...
        def write(self, data: bytes | bytearray | memoryview) -> None: ...
else:
    _ReadPipeTransport = unix_events._UnixReadPipeTransport
    _WritePipeTransport = unix_events._UnixWritePipeTransport


class ReadPipeTransport(_ReadPipeTransport):
    """A pipe to read from. Linux keeps at most 64 KiB in a pipe, unless it is told to keep more."""

    __slots__ = ("_closing", "_fileno", "_loop", "_paused", "_pipe", "_protocol")

    max_size = USUAL

    def __init__(self, *args: Any, **options: Any) -> None:
        self._pipe = None  # asked for by `__del__`, also when the next line fails
        super().__init__(*args, **options)


class WritePipeTransport(_WritePipeTransport):
    """A pipe to write to. Everything unusual is left to the base class."""

    __slots__ = ("_buffer", "_closing", "_conn_lost", "_fileno", "_pipe", "_protocol")

    def __init__(self, *args: Any, **options: Any) -> None:
        self._pipe = None  # asked for by `__del__`, also when the next line fails
        super().__init__(*args, **options)
