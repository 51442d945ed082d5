"""A disk that forgets: what was written and not synced may be lost in a crash, as with a real one."""

from __future__ import annotations

from collections.abc import Callable


class Disk:
    """The files of a host: names and bytes. Calls take no time.

    A crash keeps, of what was not synced, as much as a choice says: what was written up to a moment, and nothing after
    that. That moment may be in the middle of a write, of which a part is there then.
    """

    def __init__(self, host: str, choose: Callable[[str, int, str], int]) -> None:
        self._files: dict[str, bytes] = {}
        self._synced: dict[str, bytes] = {}
        self._since: dict[str, list[bytes | None]] = {}  # the states of a file since then
        self._choose = choose
        self._host = host

    def write(self, name: str, data: bytes) -> None:
        """Have the file contain `data`, whatever it contained."""
        self._change(name, bytes(data), 0)

    def append(self, name: str, data: bytes) -> None:
        """Add `data` at the end of the file, which is made if it does not exist."""
        before = self._files.get(name, b"")
        self._change(name, before + data, len(before))

    def read(self, name: str) -> bytes:
        """What the file contains. `FileNotFoundError` if there is none of that name."""
        try:
            return self._files[name]
        except KeyError:
            raise FileNotFoundError(f"the disk of host {self._host!r} has no file {name!r}") from None

    def remove(self, name: str) -> None:
        """Remove the file. `FileNotFoundError` if there is none of that name."""
        self.read(name)
        del self._files[name]
        self._since.setdefault(name, []).append(None)

    def names(self) -> list[str]:
        """The names of the files."""
        return sorted(self._files)

    def sync(self, name: str) -> None:
        """Make sure that the file, as it is now, outlives a crash; or that it is gone, if it was removed."""
        if self._since.pop(name, None) is None:
            self.read(name)  # nothing has changed; is there such a file?
        elif name in self._files:
            self._synced[name] = self._files[name]
        else:
            self._synced.pop(name, None)

    def _change(self, name: str, data: bytes, kept: int) -> None:
        """The file contains `data` now, of which the first `kept` bytes were there before."""
        self._files[name] = data
        states = self._since.setdefault(name, [])
        if len(data) > kept + 1:
            states.append(data[:(kept + len(data)) // 2])
        states.append(data)

    def crashed(self) -> None:
        """Lose what was not synced, but for what a choice keeps; nothing of it in the quiet schedule."""
        for name, states in self._since.items():
            kept = self._choose("disk", 1 + len(states), f"file {name!r} of host {self._host!r}")
            if kept:
                state = states[kept - 1]
                if state is None:
                    self._synced.pop(name, None)
                else:
                    self._synced[name] = state
        self._since.clear()
        self._files = dict(self._synced)
