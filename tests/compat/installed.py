"""Programs that call `compat.install()`: each runs in a process of its own, since the call changes the whole process."""

from __future__ import annotations

import subprocess
import sys
import textwrap

from tests.support.paths import ROOT

PRELUDE = """
import asyncio, compat, sys, warnings
warnings.simplefilter("ignore")
OURS = compat.EventLoop

async def kind():
    return type(asyncio.get_running_loop())
"""


def outcome(program: str, *options: str) -> str:
    """What a program prints that ends well and has nothing to complain of."""
    done = subprocess.run([sys.executable, *options, "-c", PRELUDE + textwrap.dedent(program)], cwd=ROOT,
                          capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout
