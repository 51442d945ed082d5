"""`loop=` arguments, and generators in the place of coroutines: asyncio's functions and classes refuse these."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from ..current_loop import get_event_loop
from ..generators import accepted

Loop = asyncio.AbstractEventLoop | None

_iscoroutine = asyncio.iscoroutine


def all_accepted(args: Iterable[Any], loop: Loop) -> list[Any]:
    """Each of `args` accepted; one that is there twice, once. With a `loop`, coroutines become tasks of that loop."""
    args = list(args)
    made = {key: accepted(arg) for key, arg in {id(arg): arg for arg in args}.items()}
    if loop is not None:
        made = {key: loop.create_task(arg) if _iscoroutine(arg) else arg for key, arg in made.items()}
    return [made[id(arg)] for arg in args]


def warn_of_loop(loop: Loop, comma: str = ",") -> None:
    if loop is not None:
        warnings.warn(f"The loop argument is deprecated since Python 3.8{comma} and scheduled for removal in "
                      f"Python 3.10.", DeprecationWarning, stacklevel=3)


def ready_to_ask(loop: Loop) -> Loop:
    """`loop`. Where it is None and no loop is current, make one: asyncio's function, called next, will ask for it."""
    if loop is None and asyncio._get_running_loop() is None:
        get_event_loop()
    return loop


@contextmanager
def as_if_running(loop: Loop) -> Iterator[None]:
    """Let asyncio's functions find `loop` as the running one, if it is given and none is running."""
    if loop is None or asyncio._get_running_loop() is not None:
        yield
        return
    asyncio._set_running_loop(loop)
    try:
        yield
    finally:
        asyncio._set_running_loop(None)


class LoopArgument:
    """In front of a class of asyncio's, which has lost its `loop` argument: takes it."""

    def __init__(self, *args: Any, loop: Loop = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if loop is not None:
            warn_of_loop(loop)
            self._loop = loop
