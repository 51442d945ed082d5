"""What tasks cost in short: the workloads of the suite that show it, with nothing to choose.

    python benchmarks/switch.py [--rounds N] [--quick] [--against NAME,...]

The same as `python -m benchmarks switch-100 spawn sleepers idle-task depth`, which takes a few minutes, from any
directory.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parent.parent)
sys.path[0] = ROOT  # the kernel measured is the one that this file lies beside, installed or not

from benchmarks.__main__ import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(["switch-100", "spawn", "sleepers", "idle-task", "depth", *sys.argv[1:]]))
