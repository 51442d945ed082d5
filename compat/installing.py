"""`install`: putting this project's event loop in the place of asyncio's, for programs that nobody wants to edit."""

from __future__ import annotations

import asyncio
import sys
from asyncio import events, tasks, unix_events
from functools import cache
from typing import TYPE_CHECKING, Any

from .current_loop import policy
from .events import EventLoop
from .gathering import gather
from .runners import on_sigint
from .tasks import Task

if TYPE_CHECKING:
    from .after_import import AfterImport

_MISSING = object()
_originals: list[tuple[Any, str, Any]] = []  # what was replaced: the owner, the name, and the value before
_policies: tuple[Any, Any] | None = None  # the policy that was put aside, and the one that is in its place


def install(*, legacy: bool = False) -> None:
    """From now on, have asyncio make loops of this project's in this process, however it is asked to make one.

    `legacy=True` also puts back into `asyncio` and its modules what they have dropped since Python 3.4 (see
    `compat.legacy`). Modules that are imported from now on may then call `asyncio.async(...)`, which does not compile
    otherwise.

    `asyncio.Task` and `asyncio.gather` are this project's from then on; a name that a module has imported before stays.
    Loops that exist already stay as they are. The classes `StreamReader` and `StreamWriter` stay asyncio's, and get
    quicker methods for reading and for `drain`, which work on every loop. `uninstall` undoes all of this. Child processes
    that `multiprocessing` starts do the same. `uvloop.new_event_loop` also gives this project's loop, so that servers
    which prefer uvloop run on it. A program that calls `uvloop.run` stays on uvloop, and gets a `RuntimeWarning`.
    """
    global _policies
    if not _originals:
        for module in asyncio, unix_events:
            for name in "SelectorEventLoop", "EventLoop":
                _replace(module, name, EventLoop)
        for module in asyncio, tasks:
            _replace(module, "Task", Task)  # some libraries call it, and do not ask the loop for a task
        _replace(unix_events._UnixDefaultEventLoopPolicy, "_loop_factory", EventLoop)  # type: ignore[attr-defined]
        for module in asyncio, tasks:
            _replace(module, "gather", gather)
        _replace(asyncio.Runner, "_on_sigint", on_sigint)
        if sys.version_info >= (3, 12):
            for module in asyncio, tasks:
                _replace(module, "eager_task_factory", asyncio.create_eager_task_factory(Task))
        made = policy().new_event_loop()
        made.close()
        if not isinstance(made, EventLoop):
            aside = policy()
            _set_policy(None)
            _policies = aside, policy()
        _watch().start()
        from .streams import quicken  # here, to save start-up time: only a program that calls `install` needs them
        quicken(_replace)
    if legacy:
        # Here, to save start-up time: few programs need them.
        from .legacy.restoring import restore
        from .legacy.source import install_hook
        install_hook()
        restore(_replace)


def uninstall() -> None:
    """Undo `install`. Do nothing when it was not called."""
    from .legacy.source import uninstall_hook  # as in `install`
    uninstall_hook()
    _watch().stop()
    global _policies
    if _policies is not None:
        aside, ours = _policies
        if policy() is ours:  # nobody has set another since
            _set_policy(aside)
        _policies = None
    while _originals:
        owner, name, original = _originals.pop()
        if original is _MISSING:
            delattr(owner, name)
        else:
            setattr(owner, name, original)


def _replace(owner: Any, name: str, value: Any) -> None:
    original = vars(owner).get(name, _MISSING)
    if original is not value:
        _originals.append((owner, name, original))
        setattr(owner, name, value)


@cache
def _watch() -> AfterImport:
    """What changes modules of others, now or when they are imported."""
    # Here, to save start-up time: only a program that calls `install` needs them.
    from .after_import import AfterImport
    from .child_processes import install_in_children
    from .legacy.source import is_installed
    from .other_loops import MAKES, use_ours
    return AfterImport({
        **{make: lambda module: use_ours(module, _replace) for make in MAKES},
        "multiprocessing.spawn": lambda module: install_in_children(module, _replace, is_installed),
    })


def _set_policy(value: Any) -> None:
    if sys.version_info >= (3, 14):
        events._set_event_loop_policy(value)
    else:
        asyncio.set_event_loop_policy(value)
