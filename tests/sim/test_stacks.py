"""Real libraries, unmodified: over real sockets with the small servers of `tests/sim/servers`, then in simulation.

They run where the libraries are installed, as they are for `make ecosystem`. With EXPLORE=1 in the environment pip
installs them.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.sim.stacks.programs import STACKS, requirements
from tests.support.interpreters import Outcome, run_python
from tests.support.paths import ROOT
from tests.support.releases import NotInstalled, install

MODULES = {"dnspython": "dns", "nats-py": "nats"}  # where a library is imported by another name
HOSTS = [(), ("--hosts",)]

pytestmark = pytest.mark.timeout(300)  # pip may be slow
every_stack = pytest.mark.parametrize("stack", STACKS)
every_host = pytest.mark.parametrize("hosts", HOSTS, ids=["one host", "two hosts"])


@pytest.fixture(scope="session")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where libraries are installed that are not there."""
    return tmp_path_factory.mktemp("stacks")


def run_stack(releases: Path, stack: str, *options: str) -> Outcome:
    """What the command line says. The test is skipped where the libraries are not to be had."""
    folders = [ROOT]
    if not all(find_spec(MODULES.get(name, name)) for name in STACKS[stack]):
        if os.environ.get("EXPLORE") != "1":
            pytest.skip(f"not installed: {', '.join(STACKS[stack])}; `make ecosystem` has all")
        try:
            folders += [install(requirement, releases) for requirement in requirements(stack)]
        except NotInstalled as reason:
            pytest.skip(str(reason))
    return run_python("-m", "tests.sim.stacks", stack, *options, timeout=200,
                      environment={"PYTHONPATH": os.pathsep.join(map(str, folders))})


@every_stack
def test_a_stack_works_over_real_sockets(releases: Path, stack: str) -> None:
    outcome = run_stack(releases, stack, "--real")
    assert (outcome.status, outcome.err) == (0, "")


@every_stack
@every_host
def test_a_stack_works_in_simulation(releases: Path, stack: str, hosts: tuple[str, ...]) -> None:
    outcome = run_stack(releases, stack, *hosts)
    assert (outcome.status, outcome.err) == (0, "")


@every_stack
@every_host
def test_a_stack_works_under_every_schedule_that_is_tried(releases: Path, stack: str, hosts: tuple[str, ...]) -> None:
    outcome = run_stack(releases, stack, "--runs", "50", *hosts)
    assert outcome.out.startswith("no failure in 50 runs"), outcome.out + outcome.err


GRPC = """
import compat, grpc.aio

async def main():
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
        await channel.unary_unary("/Service/method")(b"")

compat.simulate(main)
"""


def test_grpc_is_refused() -> None:
    """Its core is in C, and has threads and sockets of its own."""
    pytest.importorskip("grpc")
    outcome = run_python("-c", GRPC)
    assert outcome.status == 1
    assert "Unsimulated: a simulated run refuses grpc.AioChannel() at " in outcome.err
