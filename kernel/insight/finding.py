from __future__ import annotations
import sys
from types import FrameType
from ..core import Kernel

def kernel_here() -> Kernel | None:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code in (Kernel.run.__code__, Kernel.turn.__code__):
            return frame.f_locals["self"]  # type: ignore[no-any-return]
        frame = frame.f_back
    return None
