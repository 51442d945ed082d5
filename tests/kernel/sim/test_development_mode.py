"""Simulation in Python's development mode, in which the kernel looks out for slow steps and forgotten requests."""

from __future__ import annotations

import pytest

from tests.support.interpreters import run_python

PROGRAM = """
import asyncio, time
import {package}

async def main():
    for _ in range(20):
        await {sleep}(0.2)  # a step may take until then, by choice
    await {call}(time.sleep, 5)
    print(time.monotonic())

{package}.simulate(main)
assert {package}.explore(main, runs=5)
"""


@pytest.mark.parametrize("package, sleep, call", [("kernel", "kernel.sleep", "kernel.run_in_thread"),
                                                  ("compat", "asyncio.sleep", "asyncio.to_thread")])
def test_a_simulation_runs_and_says_nothing_of_slow_steps(package: str, sleep: str, call: str) -> None:
    program = PROGRAM.format(package=package, sleep=sleep, call=call)
    status, out, err = run_python("-X", "dev", "-W", "error", "-c", program)
    assert (status, err) == (0, "") and out.startswith("9.001")
