"""Each case of how sockets behave is run on real sockets, and on simulated ones.

A case is an `async def` function. What it asserts holds on real sockets, so the simulated ones have to do the same: the
same values, and errors of the same class with the same number. A module whose cases use asyncio's names says
`engine = compat`.
"""

from __future__ import annotations

import inspect
import os
import sys
from typing import Any

import pytest

import kernel
from kernel.sim import Unsimulated

WAYS = "real", "quiet", "explored"
SCHEDULES = 20 if os.environ.get("EXPLORE") else 5

# Cases that come out otherwise in simulation, on purpose: their error there, and why.
OTHERWISE: dict[str, tuple[type[BaseException], str]] = {
    "test_descriptors_are_passed": (Unsimulated, "there is no other process that could need them"),
    "test_read_and_written_as_files_of_the_system": (OSError, "the system does not know a simulated descriptor"),
    "test_a_port_stays_in_use_for_a_while_after_its_connections": (
        pytest.fail.Exception, "a simulated port is free at once; a real one after a minute"),
    "test_sequenced_packets_keep_their_limits_and_end": (Unsimulated, "hardly any program uses them"),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if inspect.iscoroutinefunction(metafunc.function):
        metafunc.fixturenames.append("way")
        metafunc.parametrize("way", WAYS)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    case = pyfuncitem.obj
    if not inspect.iscoroutinefunction(case):
        return None
    if sys.platform != "linux":
        pytest.skip("simulated sockets behave as those of Linux")
    engine = getattr(inspect.getmodule(case), "engine", kernel)
    way = str(pyfuncitem.callspec.params["way"])
    if way == "real":
        engine.run(case())
    elif pyfuncitem.originalname in OTHERWISE:
        if way == "quiet":
            with pytest.raises(OTHERWISE[pyfuncitem.originalname][0]):
                engine.simulate(case)
    else:
        simulated(engine, way, case)
    return True


def simulated(engine: Any, way: str, case: Any) -> None:
    if way == "quiet":
        engine.simulate(case)
    else:
        report = engine.explore(case, runs=SCHEDULES, seed=1)
        assert report, report
