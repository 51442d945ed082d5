"""The programs of examples/explore: each race is found and told, and what is mended passes in every schedule tried."""

from __future__ import annotations

import re

import pytest

from tests.support.interpreters import run_python
from tests.support.paths import ROOT

EXPLORE = ROOT / "examples" / "explore"
FAILURES = {
    "counter": "3 visitors came, and 2 were counted",
    "cache": "the page was drawn 2 times",
    "pool": "nobody has the connection, and the pool does not have it either",
}
STYLES = "", "_asyncio"
PROGRAMS = [name + style for name in FAILURES for style in STYLES]


def test_every_program_is_tested() -> None:
    assert sorted(path.stem for path in EXPLORE.glob("*.py")) == sorted(PROGRAMS)


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_race_is_found_and_the_mended_program_is_in_order(program: str) -> None:
    status, out, err = run_python(f"examples/explore/{program}.py")
    assert (status, err) == (0, "")
    found, told, (summary, complete) = parts(out)
    assert re.fullmatch(r"found in (the first run|run \d+) \(portfolio, seed \d+\):", found[0])
    assert found[1:] == [f"  exception: AssertionError: {FAILURES[program.removesuffix('_asyncio')]}"]
    assert told and all(line.startswith("  at ") for line in told[:1])
    assert re.fullmatch(r"no failure in [\d,]+ runs \(exhaustive, .*", summary)
    assert re.fullmatch(r"complete: there are [\d,]+ schedules with up to 2 deviations from the quiet one.*", complete)


def parts(out: str) -> tuple[list[str], list[str], list[str]]:
    """What is printed: the failure, the story of how it came, and the report of the mended program."""
    lines = out.splitlines()
    story, mended = lines.index("in the quiet schedule, but for:"), len(lines) - 2
    return lines[:story], lines[story + 1:mended], lines[mended:]


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_docstring_says_how_to_start_it(program: str) -> None:
    text = (EXPLORE / f"{program}.py").read_text()
    assert f"\n    PYTHONPATH=. python3 examples/explore/{program}.py\n" in text.split('"""')[1]
