"""The format of a recording: what both who writes it and who reads it have to know. docs/recording.md describes it.

A recording is a text file. Each line is a JSON object. The first says what the file is; the others define what has a
number, such as a task or a request, or have rows. A row is one event: eight integers, of which the first says what kind
of event it is, and the second when it was. Times are nanoseconds since the beginning of the recording.
"""

from __future__ import annotations

VERSION = 1
WIDTH = 8  # integers of a row
ROW_BYTES = 8 * WIDTH  # each is signed, 64 bits, little-endian

# What a row means, and what its integers are after the kind and the time. What is not named is 0.
STEP = 0  # task, when it ended, request (0: the code returned or raised), answer (< 0: an error), deadline, thing
SPAWN = 1  # task, cause
WAKE = 2  # task, cause
EXIT = 3  # task, how (RETURNED, RAISED or CANCELLED), text
CLOCK = 4  # kernel, what its clock shows
THING = 5  # kernel, thing, state
COUNTS = 6  # kernel, ready, timers, descriptors, lag

RETURNED, RAISED, CANCELLED = 0, 1, 2

# A cause is the number of one that the file defines. If a task was the cause, it is the negative number of that task.
UNKNOWN_CAUSE = 0
NO_DEADLINE = 0
NO_DESCRIPTORS = -1  # the poller does not tell how many there are
