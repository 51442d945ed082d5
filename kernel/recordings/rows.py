"""The format of a recording: what both who writes it and who reads it have to know. docs/recording.md describes it.

A recording is a text file. Each line is a JSON object. The first says what the file is. Others define what has a
number, such as a task or a request, or they have rows. A row is one event: a few integers, of which the first says what
has happened to whom: the number of a task or of a kernel, times 16, plus the kind of the event. Times are nanoseconds,
as `time.monotonic_ns` gives them.
"""

from __future__ import annotations

VERSION = 1
KINDS = 16  # by which the first integer of a row is to be divided: the remainder is the kind

# The kinds, each with the integers that follow the first.
YIELD = 0  # of a task: begin, end, request. It made a step, and then let the others go on
STEP = 1  # of a task: begin, end, request (0: the code returned or raised), answer (< 0: an error)
WAIT = 2  # the same, and then: the deadline, and what the task waits at (> 0: a thing, < 0: a task)
SPAWN = 3  # of a task: time, cause, sort, its number, the number at the end of its name
WAKE = 4  # of a task: time, cause
EXIT = 5  # of a task: time, how (RETURNED, RAISED or CANCELLED), text
CLOCK = 6  # of a kernel: time, what its clock shows
THING = 7  # of a kernel: time, thing, state
COUNTS = 8  # of a kernel: time, ready, timers, descriptors, lag
MOVED = 9  # of a task: time, request, what it waits at. It was woken, but not made ready: it waits for this now

LENGTHS = (4, 5, 7, 6, 3, 4, 3, 4, 6, 4)  # of the rows, by kind

RETURNED, RAISED, CANCELLED = 0, 1, 2
STOPPED = 3  # in no row: a task has ended since its host crashed. Its row says that it was cancelled

# What happens in a simulated network is in lines of their own, with rows of these kinds.
SENT = 0  # of a packet: time, from which host, to which, text, what it carries as a text, bytes
ARRIVED = 1  # of a packet: time
HELD = 2  # of a packet: time. A partition holds it up
LOST = 3  # of a packet: time
STARTED = 4  # of a host: time
CRASHED = 5  # of a host: time, whether its system went with it
CUT = 6  # of a host: time, another one, to which nothing gets through from now on
JOINED = 7  # of a host: time, another one, to which packets get through again

NETWORK_LENGTHS = (7, 2, 2, 2, 2, 3, 3, 3)

UNKNOWN_CAUSE = 0  # the number of a task, negative, if that is the cause; else that of a cause which the file defines
UNKNOWN_STATE = 0  # of a thing that the recorder does not look at any more
NO_DEADLINE = 0
FIRST_TASK = 1 << 32  # the text of a value that is a task: its number, and this
NO_DESCRIPTORS = -1  # the poller does not tell how many there are
