"""What connections cost: echo servers of every kind, processes and files.

Every class is one workload. It has a method for each dialect, and none for a library that has no such thing. The echo
servers send back what they get, as it comes. `traffic.py` is the load generator.
"""

from __future__ import annotations

from .datagrams import ByDatagrams
from .echo import COUNTS, SIZES
from .files import SendFile
from .pipes import ByPipes
from .processes import Processes
from .protocols import ByProtocol
from .sockets import BySockets
from .streams import ByStreams, ByUnixSocket

WORKLOADS = [*(make(size, connections) for make in (ByProtocol, ByStreams, BySockets) for size in SIZES
               for connections in COUNTS),
             ByStreams(1024, 100, tls=True), ByStreams(65536, 100, tls=True), ByUnixSocket(100), ByDatagrams(50),
             ByPipes(), SendFile(), Processes()]
