"""Releases of libraries, each installed into a directory of its own, for programs that find it by PYTHONPATH."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


class NotInstalled(Exception):
    """pip could not install it; the text says why."""


def install(requirement: str, cache: Path) -> Path:
    """The directory in `cache` that has the release, such as "anyio==4.9.0", and what it needs.

    Raises `NotInstalled`, and then does not try it a second time.
    """
    folder, failure = cache / requirement, cache / f"{requirement}.failed"
    if not folder.exists() and not failure.exists():
        done = subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                               "--root-user-action", "ignore", "--retries", "1", "--target", folder, requirement],
                              capture_output=True, text=True)
        if done.returncode:
            failure.write_text(done.stderr.strip().rpartition("\n")[2])
    if failure.exists():
        raise NotInstalled(f"pip cannot install {requirement}: {failure.read_text()}")
    return folder
