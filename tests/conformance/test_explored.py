"""CPython's tests under legal schedules: a few modules under a few schedules, and the judge itself."""

from __future__ import annotations

import importlib.util

import pytest

from . import explored
from .__main__ import Outcomes, run_module

lacking = pytest.mark.skipif(importlib.util.find_spec("test.test_asyncio") is None,
                             reason="this Python lacks its own tests")
SOCKET = "test_streams.StreamTests.test_start_server"
SLOW = "test_timeouts.TimeoutTests.test_nested_timeouts_loop_busy"


@lacking
@pytest.mark.parametrize("module", ["test_locks", "test_queues", "test_taskgroups", "test_timeouts", "test_streams"])
def test_a_module_under_three_schedules(module: str) -> None:
    verdict = explored.Verdict(3, verbose=True)
    verdict.add(module, run_module("3", module, "schedules"))
    assert verdict.end() == 0, "\n".join(verdict.wrong)


@pytest.mark.parametrize(("outcomes", "wrong"), [
    ({SOCKET: ("refused", "")}, []),
    ({SOCKET: ("passed", "")}, [f"{SOCKET}: passed, although explored.toml lists it refused"]),
    ({SLOW: ("failed", "")}, []),
    ({SLOW: ("passed", "")}, [f"{SLOW}: passed, although explored.toml lists it as one that fails"]),
    ({SLOW: ("failed quietly", "")}, [f"{SLOW}: failed quietly, although explored.toml lists it as one that fails"]),
    ({"a": ("failed", "because")}, ["a: failed\n      because"]), ({"a": ("refused", "")}, ["a: refused"]),
    ({"a": ("planned", "")}, ["a: planned"]), ({"a": ("skipped", "")}, [])])
def test_the_verdict(outcomes: Outcomes, wrong: list[str]) -> None:
    verdict = explored.Verdict(explored.SCHEDULES, verbose=True)
    verdict.add("module", {"other": ("passed", "")} | outcomes)
    assert verdict.wrong == wrong and verdict.end() == bool(wrong)


def test_few_schedules_need_not_find_what_counts_on_time() -> None:
    verdict = explored.Verdict(explored.SCHEDULES - 1, verbose=False)
    verdict.add("module", {SLOW: ("passed", "")})
    assert verdict.end() == 0
