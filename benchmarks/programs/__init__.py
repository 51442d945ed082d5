"""What whole programs cost: both ends of them run in one process, on one loop or one kernel.

Suites that compare event loops have programs of these kinds: trees of tasks, bulk transfers, a chat, many requests at
once. Every class is one workload. The asyncio program is the very same on each event loop. Where other libraries can do
the work, they do it in their own words. Every program checks its results, outside of what is measured where that would
cost much.
"""

from __future__ import annotations

from .chat import Chat
from .fetching import ByAiohttp, ByHttpx
from .transfers import Transfer
from .trees import TREES

WORKLOADS = [*TREES, Transfer(tls=False), Transfer(tls=True), Chat(), ByAiohttp(), ByHttpx()]
