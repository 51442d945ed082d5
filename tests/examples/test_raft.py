"""The Raft of examples/sim: it is safe whatever the explorer does to its hosts and links, and its planted bug is found.

EXPLORE=1, which `make explore` sets, has it explored in 2,000 runs, and else in a few.
"""

from __future__ import annotations

import os
from functools import partial

import pytest

import kernel
from examples.sim.raft import Entry, HastyJournal, History, Journal, Node, cluster
from kernel.sim.network.disks import Disk

RUNS = 2000 if os.environ.get("EXPLORE") == "1" else 40
FAULTS = ["partition", "crash"]


def node(name: str = "a", disk: Disk | None = None) -> Node:
    return Node(name, ["b", "c"], Journal(disk or Disk(name, lambda kind, options, subject: 0)), History())


@pytest.mark.timeout(900)
def test_it_is_safe_under_partitions_crashes_and_restarts() -> None:
    report = kernel.explore(cluster, runs=RUNS, seed=1, faults=FAULTS)
    assert report, report
    assert report.runs == RUNS and report.never == []


@pytest.mark.timeout(300)
def test_a_second_vote_is_found_and_shrunk() -> None:
    main = partial(cluster, HastyJournal, size=3)
    report = kernel.explore(main, runs=2000, seed=1, faults=FAULTS)
    assert [failure.kind for failure in report.failures] == ["exception"]
    assert "has two leaders" in report.failures[0].message
    assert report.tape is not None and len(report.tape.deviations) <= 6
    assert "crash" in report.story


def test_a_vote_that_was_synced_is_remembered() -> None:
    disk = Disk("a", lambda kind, options, subject: 0)
    first = node(disk=disk)
    first.receive(("elect", 1, "b", 0, 0))
    first.journal.sync()
    disk.crashed()
    second = node(disk=disk)
    second.receive(("elect", 1, "c", 0, 0))
    assert first.outbox == [("b", ("vote", 1, "a", True))]
    assert second.outbox == [("c", ("vote", 1, "a", False))]


def test_a_line_that_a_crash_has_cut_off_is_skipped() -> None:
    disk = Disk("a", lambda kind, options, subject: 0)
    Journal(disk).enter(3, "b")
    disk.append(Journal.FILE, b'\n[4, "')
    journal = Journal(disk)
    assert (journal.term, journal.vote) == (3, "b")
    journal.put(0, Entry(3, "x"))
    assert Journal(disk).log == [Entry(3, "x")]


def test_who_has_less_in_the_log_is_not_elected() -> None:
    voter = node()
    voter.receive(("append", 2, "b", 0, 0, [[2, "x"]], 0))
    voter.outbox.clear()
    voter.receive(("elect", 3, "c", 0, 0))
    voter.receive(("elect", 3, "b", 2, 1))
    assert [message[-1] for _, message in voter.outbox] == [False, True]


def test_an_old_message_does_not_shorten_the_log() -> None:
    follower = node()
    old = "append", 1, "b", 0, 0, [[1, "x"]], 0
    for message in old, ("append", 1, "b", 0, 0, [[1, "x"], [1, "y"]], 2), old:
        follower.receive(message)
    assert follower.log == [Entry(1, "x"), Entry(1, "y")] and follower.commit == 2


def test_another_entry_replaces_all_from_its_place_on() -> None:
    follower = node()
    follower.receive(("append", 1, "b", 0, 0, [[1, "x"], [1, "y"]], 0))
    follower.receive(("append", 2, "c", 0, 0, [[2, "z"]], 0))
    assert follower.log == [Entry(2, "z")]


def test_an_entry_of_an_earlier_term_is_committed_with_one_of_this_term() -> None:
    leader = node()
    leader.receive(("append", 1, "b", 0, 0, [[1, "x"]], 0))
    leader.time_is_up()
    leader.receive(("vote", 2, "b", True))
    leader.receive(("appended", 2, "b", True, 1))
    assert leader.role == "leader" and leader.commit == 0
    leader.receive(("propose", 0, "client", "y"))
    leader.receive(("appended", 2, "b", True, 2))
    assert leader.commit == 2
