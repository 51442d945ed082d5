"""Code of the time before `async def`, and the warnings that go with it.

Each warning has the text of the last Python that had what it is about: 3.6 (`async`), 3.8 (locks, `Task.all_tasks`),
3.9 (`loop=`), 3.10 (`@coroutine`, `wait`) and 3.13 (`get_event_loop`).
"""

from __future__ import annotations

import importlib
import linecache
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

compat: Any = importlib.import_module("compat")  # The type checker knows only what asyncio has today.

Gen = Generator[Any, Any, Any]
Make = Callable[[], Any]


@contextmanager
def warned(text: str) -> Iterator[None]:
    """That the code inside gives exactly this one warning, and for a line of the test's, marked with `# here`."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    # Others may come from the collection of what an earlier test has left behind.
    found = [entry for entry in caught if issubclass(entry.category, DeprecationWarning)]
    assert [str(entry.message) for entry in found] == [text]
    assert Path(found[0].filename).parent == Path(__file__).parent
    assert "# here" in linecache.getline(found[0].filename, found[0].lineno)


def quiet(function: Callable[..., Any]) -> Callable[..., Any]:
    """`@compat.coroutine` without its warning, for tests of something else."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        decorated: Callable[..., Any] = compat.coroutine(function)
    return decorated


@quiet
def answer() -> Gen:
    """A legacy coroutine."""
    yield from compat.sleep(0)
    return 42


def plain() -> Gen:
    """A generator that nothing was done to, which stops once as the loop allows."""
    yield
    return 42


async def coroutine() -> int:
    await compat.sleep(0)
    return 42


modern: Make = coroutine
