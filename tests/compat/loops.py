"""Programs on a loop of compat whose kernel has devices of the test's."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import compat
import kernel
from compat.events import EventLoop


def run(main: Coroutine[Any, Any, Any], **devices: Any) -> Any:
    """Run a program on a loop of ours with these devices of the kernel's; virtual time by default."""
    if not devices:
        devices["clock"] = kernel.VirtualClock()
    with compat.Runner(loop_factory=lambda: EventLoop(**devices)) as runner:
        return runner.run(main)
