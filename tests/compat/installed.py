"""Programs that call `compat.install()`: each has a process of its own, since the call changes the whole process."""

from __future__ import annotations

import textwrap

from tests.support.interpreters import run_python

PRELUDE = """
import asyncio, atexit, compat, sys, warnings
warnings.simplefilter("ignore")
OURS = compat.EventLoop

async def kind():
    loop = asyncio.get_running_loop()
    atexit.register(loop.close)  # asyncio's own fails in __del__ when the collector has taken its sockets before it
    return type(loop)
"""


def outcome(program: str) -> str:
    """What a program prints that ends well and has nothing to complain of."""
    status, out, err = run_python("-c", PRELUDE + textwrap.dedent(program))
    assert (status, err) == (0, ""), err
    return out
