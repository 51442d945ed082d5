"""The benchmarks run, and say what they promise; what figures they print is none of a test's business."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from socket import create_server, socket

import pytest

from benchmarks.catalogue import WORKLOADS, select
from benchmarks.contenders import Contender
from benchmarks.cost.memory import IdleTimer
from benchmarks.programs.leaves import Idle, Memoising, Mixed
from benchmarks.programs.transfers import BLOCK, Arrivals
from benchmarks.report import Machine, noisy, write
from benchmarks.rows import Row, Spread
from benchmarks.traffic import Connection, Echo, WrongAnswer, connect, exchange
from tests.support.paths import ROOT

pytestmark = pytest.mark.timeout(300)  # of work for the processor, which others may be using as well
FIGURE = r"[\d,.]+ \([\d,.]+-[\d,.]+\)"


def run(*arguments: str, directory: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=directory, capture_output=True, text=True, timeout=280)


def test_switch_from_another_directory(tmp_path: Path) -> None:
    done = run(str(ROOT / "benchmarks" / "switch.py"), "--quick", "--rounds", "2", "--against", "asyncio",
               directory=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 rounds" in done.stdout.splitlines()[0]
    for title in ("sleep(0), 100 tasks, ns", "spawn a task and await it, ns", "a sleeping task, bytes", "nested calls"):
        assert title in done.stdout
    # The kernel alone has calls of any depth; the other four are done by all three.
    for name, times in (("kernel", 5), ("compat", 4), ("asyncio", 4)):
        assert len(re.findall(f"^  {name} +{FIGURE}", done.stdout, re.MULTILINE)) == times


def test_list() -> None:
    done = run("-m", "benchmarks")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")] == [
        workload.name for workload in WORKLOADS]


@pytest.mark.parametrize("arguments, complaint", [
    (["no-such-thing"], "there is no 'no-such-thing'"),
    (["spawn", "--against", "nobody"], "there is no 'nobody'"),
    (["spawn", "--rounds", "0"], "there has to be a round"),
])
def test_wrong_command_lines(arguments: list[str], complaint: str) -> None:
    done = run("-m", "benchmarks", *arguments)
    assert done.returncode == 2 and complaint in done.stderr


def test_selection() -> None:
    names = [workload.name for workload in WORKLOADS]
    assert len(names) == len(set(names))
    assert [one.name for one in select(["spawn", "switch-1*", "spawn"])] == [
        "spawn", "switch-1", "switch-100", "switch-10000"]
    assert {one.family for one in select(["growth"])} == {"growth"}
    with pytest.raises(KeyError, match="nothing-*"):
        select(["nothing-*"])


def test_served_workload_and_files(tmp_path: Path) -> None:
    done = run("-m", "benchmarks", "echo-protocol-1B-100", "--quick", "--rounds", "2", "--against", "asyncio", "--write",
               str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    stem = f"{sys.version_info.major}.{sys.version_info.minor}"
    drawn = [f"{stem}-families.svg", f"{stem}.svg"] if importlib.util.find_spec("matplotlib") else []
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([f"{stem}.json", f"{stem}.md", *drawn])
    assert ("no charts are drawn" in done.stdout) == (not drawn)
    row, = json.loads((tmp_path / f"{stem}.json").read_text())["rows"]
    assert set(row["values"]) == {"compat", "asyncio"}
    assert all(len(values) == 2 and min(values) > 0 for values in row["values"].values())


def test_programs() -> None:
    done = run("-m", "benchmarks", "programs", "--quick", "--rounds", "1", "--against", "asyncio")
    assert done.returncode == 0, done.stdout + done.stderr
    for workload in select(["programs"]):
        missing = [module for module in workload.needs if importlib.util.find_spec(module) is None]
        start = f"{workload.name}: " + (f"left out, as {missing[0]}" if missing else workload.title)
        assert f"\n{start}" in done.stdout
    # No row has a contender fewer than it is written for: compat and asyncio do all of them.
    measured = [workload for workload in select(["programs"]) if f"\n{workload.name}: {workload.title}" in done.stdout]
    assert len(measured) >= 14
    for name in ("compat", "asyncio"):
        assert len(re.findall(f"^  {name} +{FIGURE}", done.stdout, re.MULTILINE)) == len(measured)


async def sleep_not(seconds: float) -> None:
    pass


def test_a_tree_notices_a_leaf_that_is_missing() -> None:
    for leaves in (Idle(), Mixed(), Memoising()):
        leaves.prepare(sleep_not, 3)
        for _ in range(2):
            asyncio.run(leaves.leaf())
        with pytest.raises(AssertionError, match="2 of 3 leaves"):
            leaves.check()
        asyncio.run(leaves.leaf())
        leaves.check()


def test_a_transfer_notices_wrong_and_missing_bytes() -> None:
    arrivals = Arrivals()
    for piece in (BLOCK[:100], BLOCK[100:] + BLOCK[:1], BLOCK[1:]):
        arrivals.take(piece)
    arrivals.check(2)
    with pytest.raises(AssertionError, match="131,072 bytes arrived, not 196,608"):
        arrivals.check(3)
    with pytest.raises(AssertionError, match="after 131,072 bytes"):
        arrivals.take(BLOCK[1:])


def test_memory_does_not_count_what_the_library_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "heavy_loops.py").write_text("from asyncio import new_event_loop\nballast = b'?' * 20_000_000\n")
    monkeypatch.syspath_prepend(tmp_path)
    workload, contender = IdleTimer(), Contender("heavy", "asyncio", "heavy_loops")
    workload.warm_up(contender)
    assert workload.sample(contender, True)["value"] < 20_000  # bytes for each of 100 timers; the ballast is 200,000


def row_of(**values: Sequence[float]) -> Row:
    return Row("switch-1", "scheduling", "sleep(0)", "ns", {name: list(figures) for name, figures in values.items()},
               {name: {} for name in values})


def test_ratios_are_formed_round_by_round() -> None:
    # Everything took twice as long in every other round; the ratio has not changed.
    row = row_of(kernel=[100, 200, 100, 200], asyncio=[300, 600, 300, 600])
    assert row.ratio("kernel", "asyncio") == Spread(3.0, 3.0, 3.0, 4)
    assert not noisy(row)
    assert row.ratio("compat", "asyncio") is None


def test_noise_is_told() -> None:
    assert noisy(row_of(kernel=[100, 100, 100, 100], asyncio=[300, 200, 300, 200]))
    assert noisy(row_of(kernel=[100, 100], asyncio=[300, 300])), "two rounds are no ground for a verdict"
    assert not noisy(row_of(kernel=[100, 100, 100, 100, 100], asyncio=[300, 301, 302, 303, 900])), "one bad round"


def test_table(tmp_path: Path) -> None:
    rows = [row_of(kernel=[100] * 4, compat=[200] * 4, asyncio=[400] * 4, uvloop=[200, 300, 200, 300])]
    table = write(tmp_path / "table", Machine("Python", "System", 4, "today", False), rows)[1].read_text()
    assert "| sleep(0) | ns | 100 | 200 | 400 | 250 | 4.00 | 2.50? | 2.00 | 1.25? |" in table


def spoiled(server: socket, replies: list[bytes]) -> None:
    """Answer the messages of one client with something else."""
    client, _ = server.accept()
    with client:
        for reply in replies:
            client.recv(4)
            client.sendall(reply)
        with suppress(ConnectionResetError):  # the client leaves when it has seen something wrong
            client.recv(4)


@pytest.mark.parametrize("spoil, complaint", [
    (lambda first, second: [first, b"!" + second[1:]], "answer 2 on connection 0 is wrong at byte 0"),
    (lambda first, second: [first, second + b"more"], "more than was asked for"),
    (lambda first, second: [second, first], "answer 1 on connection 0 is wrong"),
])
def test_load_generator_checks_every_byte(spoil: object, complaint: str) -> None:
    echo = Echo(4)
    assert callable(spoil)
    with create_server(("127.0.0.1", 0)) as server:
        replies = spoil(echo.request(0, 0), echo.request(0, 1))
        thread = threading.Thread(target=spoiled, args=(server, replies))
        thread.start()
        with connect(server.getsockname()) as sock:
            sock.setblocking(False)
            with pytest.raises(WrongAnswer, match=complaint):
                exchange([Connection(sock, 0, echo)], 2)
        thread.join()
