"""The judge itself: what it counts, and what it holds to be a failure."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

from . import __main__ as judge

PASSED, FAILED = ("passed", ""), ("failed", "because")
EXCLUDED = "test_tasks.CTask_CFuture_Tests.test_del__log_destroy_pending_segfault"


def verdict(stock: judge.Outcomes, ours: judge.Outcomes) -> int:
    report = judge.Report(verbose=False)
    report.add("module", stock, ours)
    return report.end(complete=False)


@pytest.mark.parametrize(("stock", "ours", "status"), [
    ({"a": PASSED, "b": FAILED}, {"a": PASSED, "b": FAILED}, 0),
    ({"a": PASSED}, {"a": FAILED}, 1),
    ({"a": PASSED}, {}, 1),
    ({"a": PASSED, EXCLUDED: PASSED}, {"a": PASSED, EXCLUDED: FAILED}, 0),
    ({"a": PASSED, EXCLUDED: PASSED}, {"a": PASSED, EXCLUDED: PASSED}, 1),
    ({}, {}, 1),
], ids=["fails on asyncio as well", "fails on ours alone", "was not run on ours", "excluded", "excluded and passes",
        "nothing passes on asyncio"])
def test_the_verdict(stock: judge.Outcomes, ours: judge.Outcomes, status: int) -> None:
    assert verdict(stock, ours) == status


def test_too_many_exclusions_fail_a_complete_run() -> None:
    report = judge.Report(verbose=False)
    report.add("module", {EXCLUDED: PASSED, "a": PASSED}, {EXCLUDED: FAILED, "a": PASSED})
    assert report.end(complete=True) == 1


@pytest.mark.skipif(importlib.util.find_spec("test.test_asyncio") is None, reason="this Python lacks its own tests")
def test_a_module_is_run_on_both() -> None:
    stock, ours = judge.run_module("stock", "test_timeouts"), judge.run_module("ours", "test_timeouts")
    assert stock.keys() == ours.keys()
    assert PASSED in stock.values()
    assert verdict(stock, ours) == 0


def test_a_module_that_cannot_be_loaded_is_one_failure(capsys: pytest.CaptureFixture[str]) -> None:
    report = judge.Report(verbose=False)
    report.add("missing", {"a": PASSED, "b": PASSED}, judge.run_module("ours", "missing"))
    assert report.end(complete=False) == 1
    assert "1 tests pass on asyncio and fail on ours" in capsys.readouterr().out


def test_an_interpreter_without_the_tests_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str, *args: Any) -> None:
        return None

    monkeypatch.setattr(importlib.util, "find_spec", find)
    with pytest.raises(SystemExit, match="lacks CPython's own tests"):
        judge.available()
