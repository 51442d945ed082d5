"""Moments: the steps in which a recording is replayed. Each changes one thing: a task is resumed, or asks, or is woken.

A moment is a tuple of seven integers: what it is, when, of which task (or of which kernel), and four details.
"""

from __future__ import annotations

from typing import NamedTuple

SPAWN = 0  # a task was made, and is ready. first: the cause
RESUME = 1  # the task runs. first: the answer that it is given (< 0: an error), second: whether it was running already
ASK = 2  # the task asks. first: the request, second: the outcome, third: the deadline, fourth: the thing. A task that was
# woken at a condition may be blocked again by this without having run: it stands in the line of the condition's lock now
WAKE = 3  # its wait is over, and it is ready. first: the cause
EXIT = 4  # it is done. first: how, second: the text of the value or the error
CLOCK = 5  # of a kernel whose clock is not the real one. first: what it shows from now on
THING = 6  # of a kernel: the state of a lock, a queue or the like has changed. first: the thing, second: the state (0: unknown from now on)
COUNTS = 7  # of a kernel. first: ready, second: timers, third: descriptors, fourth: the lag
IDLE = 8  # of a kernel: nothing can run; it waits for something to happen
DEADLOCK = 9  # of a kernel: nothing can ever wake the blocked tasks. first: the place in `Recording.deadlocks`

# Of a kernel with a simulated network. Of the first four, first: the packet
SENT, ARRIVED, HELD, LOST = 10, 11, 12, 13  # a packet is on its way; it arrives; a partition holds it up; it never arrives
STARTED = 14  # a host is there. first: the host, second: whether it was there before, and had crashed
CRASHED = 15  # a host has crashed, and all of its tasks with it. first: the host, second: whether its system has, too
CUT, JOINED = 16, 17  # nothing gets from one host to another; and it does again. first and second: the two

NAMES = ("spawn", "resume", "ask", "wake", "exit", "clock", "thing", "counts", "idle", "deadlock", "sent", "arrived", "held",
         "lost", "started", "crashed", "cut", "joined")
OF_NETWORKS = frozenset([SENT, ARRIVED, HELD, LOST, STARTED, CRASHED, CUT, JOINED])
OF_TASKS = frozenset([SPAWN, RESUME, ASK, WAKE, EXIT])

# How a request went on: it was answered at once; it let others run first; it blocked the task; it called code on the
# task's own stack; or there was none, since the code had come to its end.
ANSWERED, YIELDED, BLOCKED, CALLED, RETURNED = range(5)


class Moment(NamedTuple):
    """One change. The numbers refer to the tables of the recording."""

    kind: int
    time: int  # nanoseconds of real time since the beginning of the recording
    task: int  # or the kernel
    first: int = 0
    second: int = 0
    third: int = 0
    fourth: int = 0
