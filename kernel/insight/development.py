"""Development mode, `python -X dev`: what the kernel then does for the author of a program.

`import kernel` imports this module and calls `begin` in development mode, and in no other.
"""

from __future__ import annotations

from .forgotten import track
from .stalls import slow_steps


def begin() -> None:
    """Warn of forgotten requests, and tell of slow steps, from now on."""
    track()
    slow_steps()
