"""What tasks cost, in short: the five workloads of the suite that show it.

    python benchmarks/switch.py [--rounds N] [--quick] [--against NAME,...]

Does the same as `python -m benchmarks switch-100 spawn sleepers idle-task depth`, from any directory. It takes a few
minutes.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parent.parent)
sys.path[0] = ROOT  # measure the kernel of the directory above, whether it is installed or not

from benchmarks.__main__ import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(["switch-100", "spawn", "sleepers", "idle-task", "depth", *sys.argv[1:]]))
