"""Exploring a bug in a process of its own, which finds the right release of the library."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from tests.support.interpreters import Outcome, run_python
from tests.support.paths import ROOT
from tests.support.releases import install
from tests.support.standard_library import NotHere

from .bugs import Bug

LEFT_OUT = 3  # the exit status where a version cannot be had; the output says why
FOUND = re.compile(r"^seed \d+: found in run (\d+): (.*)$", re.MULTILINE)


def explored(bug: Bug, mended: bool, cache: Path, *options: str | Path,
             environment: Mapping[str, str] = {}) -> Outcome:
    """Explore a version of a bug, with the options of the command line.

    Raises `NotInstalled` or `NotHere` where that version cannot be had.
    """
    requirement = (bug.mended if mended else bug.faulty).requirement
    folders = [ROOT, install(requirement, cache)] if requirement else [ROOT]
    outcome = run_python("-m", "tests.sim.corpus", bug.name, *(["--mended"] if mended else []), *options, timeout=900,
                         environment={"PYTHONPATH": os.pathsep.join(map(str, folders)), **environment})
    if outcome.status == LEFT_OUT:
        raise NotHere(outcome.out.strip())
    return outcome


def runs_until_found(outcome: Outcome) -> list[int]:
    """After how many runs a failure was found, for each seed with which one was."""
    return [int(runs) for runs, _ in FOUND.findall(outcome.out)]
