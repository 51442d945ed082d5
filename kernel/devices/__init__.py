"""What a kernel is handed: a ready queue, a clock and a poller, which decide on order, time and input.

`protocols.py` says what the three have to offer. The other files are the clocks and pollers that there are. This file
chooses those of a kernel that was given none. (Its ready queue is a `collections.deque`.)
"""

import sys

from .clocks import MonotonicClock, VirtualClock
from .protocols import Clock, Event, Listener, Poller, ReadyQueue, Tap, Tracer

# Only the poller that this system uses is imported, to save start-up time.
if sys.platform == "linux":
    from .epoll_poller import EpollPoller as DefaultPoller
else:
    from .selector_poller import SelectorPoller as DefaultPoller

DefaultClock = MonotonicClock
__all__ = ["Clock", "DefaultClock", "DefaultPoller", "Event", "Listener", "MonotonicClock", "Poller", "ReadyQueue",
           "Tap", "Tracer", "VirtualClock"]
