"""Two hosts of a simulated world: packets, a partition, crashes and restarts."""

import sys

import kernel
from kernel.insight import record
from tests.support.worlds import two_hosts

with record(sys.argv[1]):
    kernel.simulate(two_hosts)
