"""`get_event_loop()` makes a loop where there is none, in the main thread."""

from __future__ import annotations

import asyncio
import sys
import threading
import warnings

import pytest

from tests.compat.legacy.old_code import compat
from tests.support.interpreters import run_python

NO_LOOP = "There is no current event loop"


def test_get_event_loop_makes_one_on_first_use() -> None:
    program = ("import compat as asyncio, warnings\n"
               "with warnings.catch_warnings(record=True) as caught:\n"
               "    warnings.simplefilter('always')\n"
               "    loop = asyncio.get_event_loop(); line = 4\n"
               "print([(w.category.__name__, str(w.message), w.lineno, w.filename) for w in caught])\n"
               "with warnings.catch_warnings():\n"
               "    warnings.simplefilter('error')\n"
               "    print(asyncio.get_event_loop() is loop, type(loop).__module__)\n"
               "async def main(): return asyncio.get_event_loop() is loop\n"
               "print(loop.run_until_complete(main()))\n"
               "loop.close()\n")
    assert run_python("-c", program) == (0, f"[('DeprecationWarning', '{NO_LOOP}', 4, '<string>')]\n"
                                            "True compat.events\nTrue\n", "")


def test_get_event_loop_does_not_replace_one_that_was_set(loop: asyncio.AbstractEventLoop) -> None:
    compat.set_event_loop(loop)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert compat.get_event_loop() is loop
    finally:
        compat.set_event_loop(None)


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="asyncio does not remember it any more")
def test_get_event_loop_makes_none_after_set_event_loop_none() -> None:
    compat.set_event_loop(None)
    with pytest.raises(RuntimeError, match="There is no current event loop in thread 'MainThread'"):
        compat.get_event_loop()


def test_get_event_loop_makes_none_in_other_threads() -> None:
    errors: list[str] = []

    def look() -> None:
        try:
            compat.get_event_loop()
        except RuntimeError as error:
            errors.append(str(error))

    thread = threading.Thread(target=look, name="other")
    thread.start()
    thread.join()
    assert errors == ["There is no current event loop in thread 'other'."]


@pytest.mark.parametrize("expression", ["asyncio.Future()", "asyncio.gather()", "asyncio.ensure_future(c())",
                                        "asyncio.Task(c())", "asyncio.gather(c())"])
def test_what_asks_for_the_loop_first_makes_one_of_ours(expression: str) -> None:
    if sys.version_info >= (3, 14) and expression in ("asyncio.Future()", "asyncio.Task(c())"):
        pytest.skip("asyncio's own makes none")
    program = ("import compat as asyncio\n"
               "async def c(): pass\n"
               f"future = {expression}\n"
               "print(type(future.get_loop()).__module__)\n"
               "if not isinstance(future, asyncio.Task): getattr(future, '_children', None) or future.cancel()\n"
               "asyncio.get_event_loop().run_until_complete(asyncio.wait([future]))\n")
    assert run_python("-W", "ignore", "-c", program) == (0, "compat.events\n", "")
