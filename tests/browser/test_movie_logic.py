"""The page's modules that draw nothing, by Node's own test runner: `logic/*.test.mjs`."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def test_the_modules_of_the_page() -> None:
    node = shutil.which("node")
    if node is None:
        if os.environ.get("BROWSER_TESTS"):
            pytest.fail("BROWSER_TESTS is set, and node is not here")
        pytest.skip("node is not here")
    tests = sorted((Path(__file__).parent / "logic").glob("*.test.mjs"))
    assert tests
    done = subprocess.run([node, "--test", *map(str, tests)], capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stdout + done.stderr
