"""The rows of the table: operations, each with what is nearest to it in asyncio."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from .measuring import Growth, Within, on_kernel, on_loop, outside

Code = Callable[..., Coroutine[Any, Any, object]]
Plain = Callable[[], object]

OFTEN = 1000


class Row:
    """An operation: `ours` is measured against `theirs`.

    `as_asyncio` says that the operation makes a cycle itself, whoever runs it, as where the frame that catches an
    exception has the task that failed in a variable. What asyncio leaves is then the measure.
    """

    def __init__(self, name: str, times: int, as_asyncio: bool) -> None:
        self.name = name
        self.times = times
        self.as_asyncio = as_asyncio

    def ours(self, times: int, enough: int) -> Growth:
        raise NotImplementedError

    def theirs(self, times: int, enough: int) -> Growth | None:
        """None where asyncio has nothing like it."""
        raise NotImplementedError


class NativeRow(Row):
    """An operation of the native library, in a task."""

    def __init__(self, name: str, times: int, as_asyncio: bool, within: Within | None) -> None:
        super().__init__(name, times, as_asyncio)
        self.within = within
        self.code: Code | None = None
        self._peer: Code | None = None
        self._peer_within: Within | None = None

    def __call__(self, code: Code) -> NativeRow:
        self.code = code
        return self

    def asyncio(self, within: Within | None = None, *, on_compat: str | None = None) -> Callable[[Code], Code]:
        """Decorates the same operation of asyncio; `on_compat` names the row of its own that this has on `compat`."""
        def take(code: Code) -> Code:
            self._peer, self._peer_within = code, within
            return code if on_compat is None else facade(on_compat, self.times, within=within)(code)
        return take

    def ours(self, times: int, enough: int) -> Growth:
        assert self.code is not None
        return on_kernel(self.code, self.within, times, enough)

    def theirs(self, times: int, enough: int) -> Growth | None:
        if self._peer is None:
            return None
        return on_loop(self._peer, self._peer_within, times, enough, compat=False)


class FacadeRow(Row):
    """An operation of asyncio, on this project's event loop and on asyncio's own."""

    def __init__(self, name: str, times: int, code: Code, within: Within | None) -> None:
        super().__init__(name, times, True)
        self._code = code
        self._within = within

    def ours(self, times: int, enough: int) -> Growth:
        return on_loop(self._code, self._within, times, enough, compat=True)

    def theirs(self, times: int, enough: int) -> Growth | None:
        return on_loop(self._code, self._within, times, enough, compat=False)


class MixedRow(Row):
    """An operation of the native library, in a task of this project's event loop."""

    def __init__(self, row: NativeRow) -> None:
        super().__init__(row.name.replace("kernel:", "mixed:"), row.times, row.as_asyncio)
        self._row = row

    def ours(self, times: int, enough: int) -> Growth:
        assert self._row.code is not None
        return on_loop(self._row.code, self._row.within, times, enough, compat=True)

    def theirs(self, times: int, enough: int) -> Growth | None:
        return self._row.theirs(times, enough)


class GuestRow(FacadeRow):
    """An operation of tasks of this project's, on asyncio's event loop."""

    def ours(self, times: int, enough: int) -> Growth:
        return on_loop(self._code, self._within, times, enough, compat=False)

    def theirs(self, times: int, enough: int) -> None:
        return None


class OutsideRow(Row):
    """A plain call, outside of every kernel and event loop."""

    def __init__(self, name: str, times: int, as_asyncio: bool, call: Plain, peer: Plain | None) -> None:
        super().__init__(name, times, as_asyncio)
        self._call = call
        self._peer = peer

    def ours(self, times: int, enough: int) -> Growth:
        return outside(self._call, times, enough)

    def theirs(self, times: int, enough: int) -> Growth | None:
        return None if self._peer is None else outside(self._peer, times, enough)


TABLE: dict[str, Row] = {}


def _add(row: Row) -> None:
    assert row.name not in TABLE, row.name
    TABLE[row.name] = row


def native(name: str, times: int = OFTEN, *, within: Within | None = None, as_asyncio: bool = False) -> NativeRow:
    """Decorates the code of one operation of the native library; what `within` gives is its argument."""
    row = NativeRow(f"kernel: {name}", times, as_asyncio, within)
    _add(row)
    return row


def facade(name: str, times: int = OFTEN, *, within: Within | None = None) -> Callable[[Code], Code]:
    """Decorates the code of one operation of asyncio, which is run on `compat` and on asyncio."""
    def take(code: Code) -> Code:
        _add(FacadeRow(f"compat: {name}", times, code, within))
        return code
    return take


def guest(name: str, times: int = OFTEN) -> Callable[[Code], Code]:
    """Decorates the code of one operation of tasks of this project's, which is run on asyncio's event loop."""
    def take(code: Code) -> Code:
        _add(GuestRow(f"guest: {name}", times, code, None))
        return code
    return take


def mixed(row: NativeRow) -> None:
    """Have an operation of the native library be measured in a task of this project's event loop as well."""
    _add(MixedRow(row))


def call(name: str, times: int, ours: Plain, theirs: Plain | None, *, as_asyncio: bool = False) -> None:
    """A row for a plain call."""
    _add(OutsideRow(name, times, as_asyncio, ours, theirs))
