"""Published bugs are found, each in a program that a user would write, and nothing is found when they are mended.

With EXPLORE=1 in the environment this is the whole proof: all bugs, 20 seeds for each, and 2,000 schedules of each
mended version. Without it some bugs are left out, which need more releases to be installed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sim.corpus.bugs import BUGS, Bug
from tests.sim.corpus.processes import explored, runs_until_found
from tests.support.interpreters import Outcome
from tests.support.releases import NotInstalled
from tests.support.standard_library import NotHere

WHOLE = bool(os.environ.get("EXPLORE"))
SEEDS = 20 if WHOLE else 3
SCHEDULES = 2_000 if WHOLE else 300

Explored = Callable[..., Outcome]
every_bug = pytest.mark.parametrize("bug", [bug for bug in BUGS.values() if WHOLE or not bug.held_out],
                                    ids=lambda bug: bug.name)

pytestmark = pytest.mark.timeout(900)  # pip may be slow


@pytest.fixture(scope="session")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where releases of libraries are installed, once for all tests."""
    return tmp_path_factory.mktemp("releases")


@pytest.fixture
def explore(releases: Path) -> Explored:
    """`explored`; the test is skipped where that version cannot be had."""
    def explore(bug: Bug, mended: bool, *options: str | Path, hash_seed: int = 0) -> Outcome:
        try:
            return explored(bug, mended, releases, *options, environment={"PYTHONHASHSEED": str(hash_seed)})
        except (NotHere, NotInstalled) as reason:
            pytest.skip(str(reason))

    return explore


@every_bug
def test_a_bug_shows_on_asyncio_s_own_loop_only_when_a_step_takes_long(explore: Explored, bug: Bug) -> None:
    outcome = explore(bug, False, "--on-asyncio")
    assert (outcome.status, outcome.err) == (1, "")
    assert re.search(r"^asyncio: [1-9]\d* of \d+ schedules with one long step fail$", outcome.out, re.MULTILINE)


@every_bug
def test_a_mended_version_works_on_asyncio_s_own_loop_whichever_step_takes_long(explore: Explored, bug: Bug) -> None:
    outcome = explore(bug, True, "--on-asyncio")
    assert (outcome.status, outcome.err) == (0, "")
    assert re.fullmatch(r"asyncio: 0 of \d+ schedules with one long step fail\n", outcome.out)


@every_bug
def test_a_bug_is_found(explore: Explored, bug: Bug) -> None:
    outcome = explore(bug, False, "--runs", "200", "--seeds", str(SEEDS))
    assert outcome.err == ""
    assert len(runs_until_found(outcome)) == SEEDS, outcome.out


@every_bug
def test_nothing_is_found_in_a_mended_version(explore: Explored, bug: Bug) -> None:
    outcome = explore(bug, True, "--runs", str(SCHEDULES))
    assert outcome == (0, f"seed 0: nothing in {SCHEDULES} runs\n", "")


@every_bug
def test_a_mended_version_stands_every_schedule_with_few_deviations(explore: Explored, bug: Bug) -> None:
    outcome = explore(bug, True, "--bound", "2" if WHOLE or not bug.network else "1", "--runs", "10000")
    assert (outcome.status, outcome.err) == (0, "")
    assert "complete: " in outcome.out


@every_bug
def test_a_tape_repeats_what_was_found_in_another_process(explore: Explored, bug: Bug, tmp_path: Path) -> None:
    tape = tmp_path / "found.tape"
    found = explore(bug, False, "--tape", tape, hash_seed=1)
    _, _, failure = found.out.strip().partition(": deadlock: " if "deadlock" in found.out else ": exception: ")
    assert failure
    repeated = explore(bug, False, "--replay", tape, hash_seed=2)
    assert (repeated.status, repeated.out) == (1, "")
    assert failure in repeated.err
