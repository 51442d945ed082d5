"""Raft: hosts agree on a list of commands, while hosts crash, links break, and messages are lost.

    PYTHONPATH=. python3 examples/sim/raft.py

Five hosts elect a leader. The leader appends each command to its log, and sends it to the others. When most hosts have
the command on their disks, the leader commits it: from then on it stays, whatever happens. The algorithm is from Ongaro
and Ousterhout, "In Search of an Understandable Consensus Algorithm" (2014). Changes of the set of hosts and snapshots
of the log are left out.

A `Node` only decides: it is given messages, and puts those to send into an outbox. `run_node` does the rest, in an
order on which everything depends: first what the node has decided comes onto the disk, and then the messages go out.
`HastyJournal` breaks that order. It does not wait until a vote is on the disk. A host that crashes just after its vote
may vote again in the same term, for another host, and there are two leaders.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import kernel
from kernel import open_datagram, sleep, sometimes, timeout_at
from kernel.sim import world

PORT = 4000
HEARTBEAT = 0.1  # seconds between two messages of a leader
PATIENCE = 0.4, 0.8  # seconds without a message of a leader, between which a host stands for election
MOST_ENTRIES = 50  # in one message, so that it fits into a datagram
Message = tuple[Any, ...]  # (kind, term, sender, ...)


class Entry(NamedTuple):
    """A command in the log, and the term in which a leader has taken it."""

    term: int
    command: str


class Journal:
    """What a host knows after a crash: its term, its vote in that term, and its log. A file has all changes of these.

    Each change is a line of JSON. A crash may leave a part of the last line on the disk. It is no JSON, and is skipped:
    nobody was told of a change before it was synced.
    """

    FILE = "journal"

    def __init__(self, disk: world.Disk) -> None:
        self.term = 0
        self.vote: str | None = None
        self.log: list[Entry] = []
        self._disk = disk
        self._dirty = False
        for line in disk.read(self.FILE).splitlines() if self.FILE in disk.names() else []:
            try:
                change = json.loads(line)
            except ValueError:
                continue
            self._apply(*change)

    def _apply(self, first: int, *rest: Any) -> None:
        """Make one change: a term and a vote, or the place of an entry and the entry, which replaces all from there."""
        if len(rest) == 1:
            self.term, self.vote = first, rest[0]
        else:
            self.log[first:] = [Entry(*rest)]

    def _write(self, *change: Any) -> None:
        self._apply(*change)
        # The line break comes first, so that a line that a crash has cut off is not made longer.
        self._disk.append(self.FILE, b"\n" + json.dumps(change).encode())
        self._dirty = True

    def enter(self, term: int, vote: str | None = None) -> None:
        """Go to a term, or vote in it."""
        self._write(term, vote)

    def put(self, place: int, entry: Entry) -> None:
        """Put an entry at a place of the log; what was there, and all behind it, goes."""
        self._write(place, *entry)

    def sync(self) -> None:
        """Come back when the disk has all changes."""
        if self._dirty:
            self._disk.sync(self.FILE)
            self._dirty = False


class HastyJournal(Journal):
    """Leaves it to the next entry to have a vote synced. This is the planted bug."""

    def enter(self, term: int, vote: str | None = None) -> None:
        before = self._dirty
        super().enter(term, vote)
        self._dirty = before


class History:
    """Sees what all nodes do, as nobody can outside of a simulation, and notes what Raft promises not to happen."""

    def __init__(self) -> None:
        self.leaders: dict[int, str] = {}  # by term
        self.committed: list[Entry] = []
        self.violations: list[str] = []
        self._appended: dict[tuple[int, int], tuple[str, int]] = {}

    def _claim(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self.violations.append(otherwise)

    def elected(self, node: Node) -> None:
        """One leader a term; and a leader has all that is committed."""
        other = self.leaders.setdefault(node.term, node.name)
        self._claim(other == node.name, f"term {node.term} has two leaders, {other} and {node.name}")
        self._claim(node.log[:len(self.committed)] == self.committed,
                    f"{node.name} leads in term {node.term}, and has not all that is committed")

    def appended(self, node: Node, place: int) -> None:
        """Log matching: if two logs have an entry of one term at one place, they are the same up to that place.

        That holds if the entry is the same, and comes after one of the same term: the rest follows, place by place.
        """
        entry, seen = node.log[place], (node.log[place].command, node.term_before(place))
        self._claim(self._appended.setdefault((place, entry.term), seen) == seen,
                    f"the log of {node.name} does not match at place {place}")

    def commits(self, node: Node) -> None:
        """What is committed stays."""
        ours = node.log[:node.commit]
        self._claim(ours == self.committed[:len(ours)] or self.committed == ours[:len(self.committed)],
                    f"{node.name} commits {ours[-1].command!r}, and something else is committed in its place")
        self.committed.extend(ours[len(self.committed):])


class Node:
    """One host's part in Raft. Places in the log begin with 0, and a log of length n has the places below n."""

    def __init__(self, name: str, others: list[str], journal: Journal, history: History) -> None:
        self.name = name
        self.others = others
        self.journal = journal
        self.log = journal.log
        self.history = history
        self.role = "follower"
        self.commit = 0  # the length of the part of the log that is committed, as far as this host knows
        self.outbox: list[tuple[str, Message]] = []
        self._votes: set[str] = set()
        self._next: dict[str, int] = {}  # of a leader: up to where it has sent its log to each of the others
        self._matched: dict[str, int] = {}  # and up to where their logs are known to be the same as its own
        self._put_off()

    @property
    def term(self) -> int:
        return self.journal.term

    def term_before(self, place: int) -> int:
        """The term of the entry before that place; 0 at the beginning."""
        return self.log[place - 1].term if place else 0

    def _put_off(self) -> None:
        """There is no need for an election now."""
        self.deadline = self._election_ends = time.monotonic() + random.uniform(*PATIENCE)

    def _send(self, to: str, kind: str, *content: Any) -> None:
        self.outbox.append((to, (kind, self.term, self.name, *content)))

    def time_is_up(self) -> None:
        """It is `deadline`: a leader says that it is there, and other hosts want to lead."""
        if self.role == "follower" or self.role == "candidate" and self._election_ends <= time.monotonic():
            self.role = "candidate"
            self.journal.enter(self.term + 1, self.name)
            self._votes = {self.name}
            self._put_off()
        for other in self.others:
            if self.role == "leader":
                self._replicate(other)
            else:
                self._send(other, "elect", self.term_before(len(self.log)), len(self.log))
        self.deadline = time.monotonic() + HEARTBEAT

    def receive(self, message: Message) -> None:
        """A message has come, perhaps late, or for the second time."""
        kind, term, sender, *content = message
        if term > self.term:
            self.journal.enter(term)
            if self.role != "follower":
                self.role = "follower"
                self._put_off()
        HANDLERS[kind](self, term, sender, *content)

    def on_elect(self, term: int, candidate: str, last_term: int, length: int) -> None:
        """`candidate` wants to lead. This host has one vote in a term, for a log with all that may be committed."""
        granted = (term == self.term and self.journal.vote in (None, candidate)
                   and (last_term, length) >= (self.term_before(len(self.log)), len(self.log)))
        if granted:
            if self.journal.vote is None:
                self.journal.enter(term, candidate)
            self._put_off()
        self._send(candidate, "vote", granted)

    def on_vote(self, term: int, voter: str, granted: bool) -> None:
        if term == self.term and self.role == "candidate" and granted:
            self._votes.add(voter)
            if 2 * len(self._votes) > 1 + len(self.others):
                self.role = "leader"
                self.history.elected(self)
                self._next = dict.fromkeys(self.others, len(self.log))
                self._matched = dict.fromkeys(self.others, 0)
                self.time_is_up()

    def on_propose(self, term: int, client: str, command: str) -> None:
        """A client, which knows of no terms, sends a command to all hosts."""
        if self.role == "leader":
            self._put(len(self.log), Entry(self.term, command))
            self.time_is_up()

    def _put(self, place: int, entry: Entry) -> None:
        self.journal.put(place, entry)
        self.history.appended(self, place)

    def _replicate(self, other: str) -> None:
        """Send to `other` what it does not have; nothing of the log means: I lead."""
        begin = self._next[other]
        self._send(other, "append", begin, self.term_before(begin), self.log[begin:begin + MOST_ENTRIES], self.commit)

    def on_append(self, term: int, leader: str, begin: int, term_before: int, entries: list[Any], commit: int) -> None:
        """The leader has sent entries that come after one of `term_before`."""
        fits = False
        if term == self.term:
            self.role = "follower"
            self._put_off()
            fits = begin <= len(self.log) and self.term_before(begin) == term_before
        if fits:
            for place, entry in enumerate(entries, begin):
                # An old message is not to shorten the log: only another entry takes the place of one.
                if place == len(self.log) or self.log[place].term != entry[0]:
                    self._put(place, Entry(*entry))
            self._commit(min(commit, begin + len(entries)))
        self._send(leader, "appended", fits, begin + len(entries) if fits else len(self.log))

    def on_appended(self, term: int, follower: str, fits: bool, length: int) -> None:
        """The log of `follower` is that of the leader up to `length`; or it does not fit, and is so long."""
        if term != self.term or self.role != "leader":
            return
        if fits:
            self._matched[follower] = max(self._matched[follower], length)
            self._next[follower] = max(self._next[follower], length)
            # The length that most logs have. Entries of earlier terms count only with one of this term behind them.
            common = sorted([len(self.log), *self._matched.values()], reverse=True)[(1 + len(self.others)) // 2]
            if self.term_before(common) == self.term:
                self._commit(common)
        else:
            self._next[follower] = max(self._matched[follower], min(self._next[follower] - 1, length))
        if self._next[follower] < len(self.log):
            self._replicate(follower)

    def _commit(self, length: int) -> None:
        if length > self.commit:
            self.commit = length
            self.history.commits(self)


HANDLERS: dict[str, Callable[..., None]] = {
    "elect": Node.on_elect, "vote": Node.on_vote, "propose": Node.on_propose, "append": Node.on_append,
    "appended": Node.on_appended}


async def run_node(name: str, journal: Journal, addresses: dict[str, tuple[str, int]], history: History) -> None:
    """Run one node for ever."""
    node = Node(name, [other for other in addresses if other != name], journal, history)
    async with await open_datagram(local_address=addresses[name]) as socket:
        while True:
            try:
                async with timeout_at(node.deadline):
                    data, _ = await socket.receive()
                node.receive(json.loads(data))
            except TimeoutError:
                node.time_is_up()
            node.journal.sync()
            for to, message in node.outbox:
                await socket.send(json.dumps(message).encode(), addresses[to])
            node.outbox.clear()


async def propose(addresses: dict[str, tuple[str, int]], commands: int) -> None:
    """A client: send each command to all hosts, since any of them may lead. Some commands are lost."""
    async with await open_datagram(local_address=("0.0.0.0", 0)) as socket:
        for number in range(commands):
            await sleep(0.3)
            for address in addresses.values():
                await socket.send(json.dumps(("propose", 0, "client", f"command {number}")).encode(), address)


async def cluster(kind: type[Journal] = Journal, size: int = 5, commands: int = 5) -> None:
    """Run a cluster, and a client of it; raise `AssertionError` if anything has happened that must not happen."""
    history = History()
    hosts = [world.host(f"host{number}") for number in range(1, size + 1)]
    addresses = {host.name: (host.address, PORT) for host in hosts}

    async def run(host: world.Host) -> None:
        await run_node(host.name, kind(host.disk), addresses, history)  # after a crash again, with what the disk has

    for host in hosts:
        host.run(partial(run, host))
    await propose(addresses, commands)
    await sleep(1)
    assert not history.violations, history.violations[0]
    sometimes("a command is committed", history.committed)
    sometimes("there is a second leader, in a later term", len(history.leaders) > 1)


if __name__ == "__main__":
    faults = ["partition", "crash"]
    print(kernel.explore(lambda: cluster(HastyJournal, size=3), runs=2000, faults=faults))
    print(kernel.explore(cluster, runs=100, faults=faults))
