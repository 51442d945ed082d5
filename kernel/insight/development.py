"""Development mode, `python -X dev`: what the kernel then does for the author of a program.

`import kernel` imports this module in development mode, and in no other.
"""

from __future__ import annotations

from .forgotten import track
from .stalls import slow_steps

track()
slow_steps()
