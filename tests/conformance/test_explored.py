"""CPython's tests under legal schedules: a few modules under a few schedules, and the judge itself."""

from __future__ import annotations

import importlib.util

import pytest

from . import explored
from .__main__ import Outcomes, run_module

lacking = pytest.mark.skipif(importlib.util.find_spec("test.test_asyncio") is None,
                             reason="this Python lacks its own tests")
PIPE = "test_streams.StreamTests.test_read_all_from_pipe_reader"
RARE = "test_sslproto.SelectorStartTLSTests.test_handshake_timeout"
SLOW = "test_timeouts.TimeoutTests.test_nested_timeouts_loop_busy"


@lacking
@pytest.mark.parametrize("module", ["test_locks", "test_queues", "test_taskgroups", "test_timeouts", "test_streams",
                                    "test_sock_lowlevel", "test_server", "test_sslproto"])
def test_a_module_under_three_schedules(module: str) -> None:
    verdict = explored.Verdict(3, verbose=True)
    verdict.add(module, run_module("3", module, "schedules"))
    assert verdict.end() == 0, "\n".join(verdict.wrong)


@pytest.mark.parametrize(("outcomes", "wrong"), [
    ({PIPE: ("refused", "")}, []), ({PIPE: ("failed quietly", f"OSError: {explored.BAD_DESCRIPTOR}")}, []),
    ({PIPE: ("passed", "")}, [f"{PIPE}: passed, although explored.toml lists it refused"]),
    ({SLOW: ("failed", "")}, []),
    ({SLOW: ("passed", "")}, [f"{SLOW}: passed, although explored.toml lists it as one that fails"]),
    ({SLOW: ("failed quietly", "")}, [f"{SLOW}: failed quietly, although explored.toml lists it as one that fails"]),
    ({RARE: ("failed", "")}, []), ({RARE: ("passed", "")}, []),
    ({RARE: ("failed quietly", "")}, [f"{RARE}: failed quietly"]),
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
