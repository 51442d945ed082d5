"""A pytest session on this project's event loop: what `pytest --compat-loop` does.

The header of the session says so. The end of the session says how many loops were made, and how many of them were this
project's, so that one notices a suite which brings a loop of its own.

Where the project is installed, this package is `compat_loop`, and not in `compat`. So it imports `compat` by its name.
"""

from __future__ import annotations

import asyncio
import functools
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import pytest

from compat.events import EventLoop
from compat.installing import install, uninstall

KEY = "compat_loops"  # under which a process of pytest-xdist hands over its counts
SESSION = "compat_loop_session"  # the name of the object that reports


def activate(config: pytest.Config, *, legacy: bool = False) -> None:
    """Have the session of `config` run on this project's loop until it ends. To be called as early as possible."""
    if config.pluginmanager.has_plugin(SESSION):
        return  # the plugin is loaded by both of its names
    stack = ExitStack()
    config.add_cleanup(stack.close)
    if asyncio.SelectorEventLoop is not EventLoop:  # which holds in a session inside of another one
        stack.callback(uninstall)
    install(legacy=legacy)
    made = stack.enter_context(counted_loops())
    config.pluginmanager.register(CompatLoop(config, made, legacy), SESSION)


@contextmanager
def counted_loops() -> Iterator[Counter[type]]:
    """Count the event loops that are made inside, by their class.

    All are instances of `AbstractEventLoop`, uvloop's directly and most others by way of `BaseEventLoop`. The classes
    right below `AbstractEventLoop` are watched, also those that are defined later, so that each loop is counted once.
    """
    made = Counter[type]()
    with ExitStack() as stack:

        def watch(cls: Any) -> None:
            if asyncio.AbstractEventLoop in cls.__bases__:
                stack.enter_context(patch.object(cls, "__init__", counting(cls.__init__, made)))

        stack.enter_context(patch.object(asyncio.AbstractEventLoop, "__init_subclass__", classmethod(watch)))
        for known in asyncio.AbstractEventLoop.__subclasses__():
            watch(known)
        yield made


def counting(initialize: Callable[..., None], made: Counter[type]) -> Callable[..., None]:
    @functools.wraps(initialize)
    def __init__(self: object, *args: Any, **kwargs: Any) -> None:
        made[type(self)] += 1
        initialize(self, *args, **kwargs)

    return __init__


class CompatLoop:
    """What the session reports."""

    def __init__(self, config: pytest.Config, made: Counter[type], legacy: bool) -> None:
        self._config = config
        self._made = made
        self._legacy = legacy
        self._elsewhere: Counter[str] = Counter()  # made by processes of pytest-xdist

    def pytest_report_header(self) -> str:
        what = "every event loop is compat.EventLoop"
        return f"compat loop: {what}, and asyncio has its legacy names" if self._legacy else f"compat loop: {what}"

    def _counts(self) -> Counter[str]:
        """How many loops were made: of this project's, under the key "", and of others, under their names."""
        here = Counter[str]()
        for cls, count in self._made.items():
            here["" if issubclass(cls, EventLoop) else f"{cls.__module__}.{cls.__qualname__}"] += count
        return here + self._elsewhere

    def pytest_sessionfinish(self) -> None:
        handed_over: dict[str, Any] | None = getattr(self._config, "workeroutput", None)
        if handed_over is not None:
            handed_over[KEY] = dict(self._counts())

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self._elsewhere.update(getattr(node, "workeroutput", {}).get(KEY, {}))  # a process that crashed has none

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        others = self._counts()
        ours = others.pop("", 0)
        line = f"compat loop: {ours + others.total()} event loops were made, {ours} of them compat's"
        if others:
            line += "; others: " + ", ".join(f"{count} {name}" for name, count in sorted(others.items()))
        if not ours:
            line += ": NOTHING WAS RUN ON COMPAT'S LOOP"
        terminalreporter.write_line(line, yellow=bool(others or not ours))
