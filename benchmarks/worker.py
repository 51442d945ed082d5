"""`python -m benchmarks.worker WORKLOAD CONTENDER [--quick]`: the process in which one contender works.

It reads orders from its standard input, one a line, and answers each with a line of JSON on its standard output. It
ends when its input ends. `orders.Worker` starts it. The workload decides what the orders and the answers mean.
"""

from __future__ import annotations

import sys

from .catalogue import BY_NAME as WORKLOADS
from .contenders import BY_NAME as CONTENDERS


def main() -> None:
    workload, contender = WORKLOADS[sys.argv[1]], CONTENDERS[sys.argv[2]]
    workload.work(contender, "--quick" in sys.argv)


if __name__ == "__main__":
    main()
