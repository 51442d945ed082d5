"""What a kernel is handed: a ready queue, a clock and a poller, which decide on order, time and input.

`protocols.py` says what the three have to offer. The other files are what a kernel uses that was given none.
"""

from .clocks import MonotonicClock as MonotonicClock
from .clocks import VirtualClock as VirtualClock
from .descriptor_poller import default_poller as default_poller
from .protocols import Clock as Clock
from .protocols import Event as Event
from .protocols import Listener as Listener
from .protocols import Owner as Owner
from .protocols import Poller as Poller
from .protocols import ReadyQueue as ReadyQueue
from .protocols import Registration as Registration
