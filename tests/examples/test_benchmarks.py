"""The benchmarks run, and print what they promise; what figures they print is none of a test's business."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIGURE = r"\d+(?:\.\d+)? \(\d+(?:\.\d+)?-\d+(?:\.\d+)?\)"


def test_switch(tmp_path: Path) -> None:
    # From another directory, and without site-packages' idea of where the kernel is.
    done = subprocess.run([sys.executable, ROOT / "benchmarks" / "switch.py", "--quick", "--rounds", "2"], cwd=tmp_path,
                          capture_output=True, text=True, timeout=50)
    assert (done.returncode, done.stderr) == (0, "")
    names = ["kernel", "asyncio"] + (["uvloop"] if importlib.util.find_spec("uvloop") else [])
    lines = done.stdout.splitlines()
    if "uvloop" not in names:
        assert lines.pop(1) == "uvloop is not installed"
    assert "2 rounds" in lines[0]
    assert re.split(r"\s{2,}", lines[1].strip()) == names + [f"{name} / kernel" for name in names[1:]]
    titles = ["sleep(0), 100 tasks: ns", "spawn and wait: ns", "200 sleepers: ns each", "sleeping task: bytes"]
    for title, line in zip(titles, lines[2:6], strict=True):
        figures = f"(?: +{FIGURE}){{{2 * len(names) - 1}}}"
        assert re.fullmatch(re.escape(title) + figures, line), line
    assert re.fullmatch(r"5,000 nested calls by yield on the kernel: \d+ MiB at the peak, \d+ ns a call", lines[6])
    assert len(lines) == 7


def test_switch_refuses_no_rounds() -> None:
    done = subprocess.run([sys.executable, ROOT / "benchmarks" / "switch.py", "--rounds", "0"], capture_output=True,
                          text=True, timeout=30)
    assert done.returncode == 2 and "there has to be a round" in done.stderr
