"""Putting this project's event loop in the place of asyncio's, for programs that are not to be edited."""

from __future__ import annotations

import asyncio
import sys
from asyncio import unix_events
from typing import Any

from .events import EventLoop
from .runners import policy

_MISSING = object()
_originals: list[tuple[Any, str, Any]] = []  # what was replaced: where, under which name, and by what before
_policy: Any = None


def install(*, legacy: bool = False) -> None:
    """Have every loop made in this process from now on be this project's, however asyncio is asked to make it.

    `legacy=True` also puts back into `asyncio` what it has dropped since Python 3.4 (see `compat.legacy`). Undone by
    `uninstall`. Loops that exist already stay as they are.
    """
    global _policy
    if not _originals:
        for owner in asyncio, unix_events:
            for name in "SelectorEventLoop", "EventLoop":
                _replace(owner, name, EventLoop)
        _replace(unix_events._UnixDefaultEventLoopPolicy, "_loop_factory", EventLoop)  # type: ignore[attr-defined]
        _policy = policy()
        if not isinstance(_policy, unix_events._UnixDefaultEventLoopPolicy):  # type: ignore[attr-defined]
            _set_policy(None)
    if legacy:
        from . import legacy as old

        for name in old.__all__:
            _replace(asyncio, name, getattr(old, name))


def uninstall() -> None:
    """Undo `install`; nothing when it was not called."""
    if _originals and policy() is not _policy:
        _set_policy(_policy)
    while _originals:
        owner, name, original = _originals.pop()
        if original is _MISSING:
            delattr(owner, name)
        else:
            setattr(owner, name, original)


def _replace(owner: Any, name: str, value: Any) -> None:
    if name in vars(owner) and vars(owner)[name] is value:
        return
    _originals.append((owner, name, vars(owner).get(name, _MISSING)))
    setattr(owner, name, value)


def _set_policy(value: Any) -> None:
    if sys.version_info >= (3, 14):
        asyncio.events._set_event_loop_policy(value)
    else:
        asyncio.set_event_loop_policy(value)
