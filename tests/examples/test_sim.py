"""The programs of examples/sim: each failure is found and told, and what is mended withstands the same world."""

from __future__ import annotations

import re

import pytest

from tests.support.interpreters import run_python
from tests.support.paths import ROOT

SIM = ROOT / "examples" / "sim"
FAILURES = {
    "chat": r"(ann|bob) has read a line twice: .*",
    "counter": r"9 visitors came, and (north|east|west) shows \d+",
    "pool": r"(bob|cleo) was given the value of (ann|bob)",
    "raft": r"term \d+ has two leaders, host\d and host\d",
}


def test_every_program_is_tested() -> None:
    assert sorted(path.stem for path in SIM.glob("*.py")) == sorted(FAILURES)


@pytest.mark.parametrize("program", FAILURES)
def test_the_failure_is_found_and_the_mended_program_is_in_order(program: str) -> None:
    status, out, err = run_python(f"examples/sim/{program}.py")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    story = lines.index("in the quiet schedule, but for:")
    assert re.fullmatch(r"found in run [\d,]+ \(portfolio, seed \d+\):", lines[0])
    assert re.fullmatch(f"  exception: AssertionError: {FAILURES[program]}", lines[1])
    assert story == 2 and lines[3].startswith("  at ")
    assert re.fullmatch(r"no failure in [\d,]+ runs \(portfolio, .*", lines[-1])


@pytest.mark.parametrize("program", FAILURES)
def test_the_docstring_says_how_to_start_it(program: str) -> None:
    text = (SIM / f"{program}.py").read_text()
    assert f"\n    PYTHONPATH=. python3 examples/sim/{program}.py\n" in text.split('"""')[1]
