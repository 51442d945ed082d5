"""The programs of examples/scale, each run as a process: several processors, several workers, a cluster."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import pytest

from tests.ecosystem.servers import exists
from tests.support.paths import ROOT

RUNNERS = {"primes": "kernel", "service": "kernel", "cluster": "compat"}
LOOP = "compat.events"

pytestmark = pytest.mark.timeout(120)


def run(program: str, *arguments: str, status: int = 0) -> str:
    """What the program prints; its whole process group is killed should it hang."""
    command = [sys.executable, "-m", RUNNERS[program], f"examples/scale/{program}.py", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          start_new_session=True) as process:
        try:
            output, errors = process.communicate(timeout=100)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    assert process.returncode == status, errors
    if status == 0:  # Dask tells when it has to do the work of a killed worker again
        assert [line for line in errors.splitlines() if "rescheduling" not in line] == []
    return output if status == 0 else errors


@pytest.mark.parametrize("program", RUNNERS)
def test_help(program: str) -> None:
    if program == "cluster":
        pytest.importorskip("distributed")
    assert run(program, "--help").startswith("usage: ")


def test_primes_on_all_processors() -> None:
    output = run("primes", "--below", "100000000")
    assert output.startswith("5761455 primes below 100000000\n") and output.endswith("\nas is known\n")
    pieces = {int(process): int(count) for process, count in re.findall(r"process (\d+): (\d+) pieces", output)}
    assert sum(pieces.values()) == 32
    assert len(pieces) >= min(2, os.cpu_count() or 1)
    assert run("primes", "--below", "30", "--pieces", "40").startswith("10 primes below 30\n")
    assert "usage: " in run("primes", "--below", "1", status=2)


@pytest.mark.library("uvicorn", "several workers by --workers and --loop compat:new_event_loop")
def test_a_service_of_several_workers() -> None:
    pytest.importorskip("uvicorn")
    output = run("service", "--workers", "3", "--requests", "600")
    answers = re.findall(r"^worker (\d+), on (\S+): (\d+) answers$", output, re.MULTILINE)
    assert {loop for _, loop, _ in answers} == {LOOP}
    assert len(answers) in (2, 3)  # the system decides whom it gives a connection
    assert sum(int(count) for *_, count in answers) == 600
    assert output.endswith("600 answers of 600; the service ended with code 0\n")
    assert not any(exists(int(worker)) for worker, *_ in answers)


@pytest.mark.library("distributed", "scheduler, workers and client on the loop, a worker killed in the middle")
def test_a_cluster_that_loses_a_worker() -> None:
    pytest.importorskip("distributed")
    output = run("cluster", "--below", "100000", "--pieces", "40", "--workers", "3", "--kill-one")
    nodes = re.findall(r"^(client|scheduler|worker) (\d+) on (\S+)$", output, re.MULTILINE)
    assert sorted(kind for kind, *_ in nodes) == ["client", "scheduler", "worker", "worker", "worker"]
    assert len({process for _, process, _ in nodes}) == 5 and {loop for *_, loop in nodes} == {LOOP}
    workers = {process for kind, process, _ in nodes if kind == "worker"}

    killed = re.search(r"^killed worker (\d+) after 10 of 40 results$", output, re.MULTILINE)
    assert killed is not None and killed[1] in workers
    counts = re.findall(r"^(\d+) results from worker (\d+)$", output, re.MULTILINE)
    results = {worker: int(count) for count, worker in counts}
    assert set(results) <= workers and sum(results.values()) == 40
    assert output.endswith("\n2 of 3 workers are left\n"
                           "below 100000 the longest sequence starts at 77031 and has 351 terms\n")
    assert not any(exists(int(process)) for _, process, _ in nodes)
