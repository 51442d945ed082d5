"""`python -m benchmarks.worker WORKLOAD CONTENDER [--quick]`: the process in which one contender works.

It reads orders, a line each, from its standard input, answers each with a line of JSON on its standard output, and ends
with its input. For `orders.Worker` only; what is ordered and answered is the workload's business.
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
