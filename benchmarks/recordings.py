"""`python -m benchmarks.recordings`: what it costs to record a program, and to read the recording again.

The programs are those of `benchmarks.insight`. In each round each program runs unrecorded and recorded, in turn, in one
process. The figures are elapsed time and processor time as multiples of the unrecorded run: the median of the rounds,
and the range of their middle half. Then a program that yields is recorded until there are 1,000,000 events.
"""

from __future__ import annotations

import argparse
import gc
import io
import os
import statistics
import tempfile
import time
from collections.abc import Callable

from kernel.insight import record
from kernel.recordings.movies import movie
from kernel.recordings.reading import read
from kernel.recordings.texts import write_text
from kernel.recordings.timelines import write_timeline

from .insight import ON_COMPAT, ON_KERNEL, kernel_switch, run_on_compat, run_on_kernel

EVENTS = 1_000_000


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """How long it takes: elapsed, and on the processor, all threads together."""
    gc.collect()
    elapsed, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - elapsed, time.process_time() - used


def recorded(file: str, data: bool, work: Callable[[], object]) -> None:
    with record(file, data=data):
        work()


def ratios(work: Callable[[], None], file: str, data: bool, rounds: int) -> tuple[list[float], list[float]]:
    """Of elapsed time and of processor time, round by round."""
    elapsed, used = [], []
    for number in range(rounds + 1):  # the first one is to get warm
        plain = seconds(work)
        with_recording = seconds(lambda: recorded(file, data, work))
        if number:
            elapsed.append(with_recording[0] / plain[0])
            used.append(with_recording[1] / plain[1])
    return elapsed, used


def middle(values: list[float]) -> str:
    low, _, high = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
    return f"{statistics.median(values):5.2f} ({low:.2f}-{high:.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="a hundredth of the work, to show that it runs")
    options = parser.parse_args()
    divisor = 100 if options.quick else 1
    with tempfile.TemporaryDirectory() as directory:
        file = os.path.join(directory, "recording")
        print(f"{'':18} {'elapsed':18} {'processor':18} without data: {'elapsed':10}")
        for label, run, programs in (("kernel", run_on_kernel, ON_KERNEL), ("compat", run_on_compat, ON_COMPAT)):
            for name, (program, count) in programs.items():
                def work() -> None:
                    run(program(count // divisor), None)

                elapsed, used = ratios(work, file, True, options.rounds)
                without, _ = ratios(work, file, False, options.rounds)
                print(f"{label} {name:10} {middle(elapsed):18} {middle(used):18} {middle(without)}")
        events = EVENTS // divisor
        print(f"\na recording of {events:,} events")
        plain, _ = seconds(lambda: run_on_kernel(kernel_switch(events), None))
        written, _ = seconds(lambda: recorded(file, True, lambda: run_on_kernel(kernel_switch(events), None)))
        print(f"{'run':18} {plain:8.2f} s\n{'run, recorded':18} {written:8.2f} s")
        print(f"{'size':18} {os.path.getsize(file) / 1e6:8.2f} MB")
        recording = read(file)
        print(f"{'moments':18} {len(recording.moments):8,}")
        del recording
        for name, work_on in (("read", lambda: read(file)),
                              ("read, as text", lambda: write_text(read(file), io.StringIO())),
                              ("read, timeline", lambda: write_timeline(read(file), io.StringIO())),
                              ("read, movie", lambda: movie(read(file)))):
            print(f"{name:18} {seconds(work_on)[0]:8.2f} s")


if __name__ == "__main__":
    main()
