"""`trampoline top`: a live view of a process, on the whole screen or as one table after the other."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version

from ..serving.changes import Nonsense
from ..serving.live import INTERVALS
from ..snapshots.drawing import fitted
from ..snapshots.listing import NO_KERNEL, head
from .client import Conversation, Unreachable
from .following import Following, KernelMoment, Moment
from .gauges import bars, work
from .options import Options, WrongUse
from .rows import COLUMNS, Choice, rows_of

CLEAR = "\33[H\33[2J\33[3J"
HOW = ("trampoline top: this is the plain table; the full screen, with keys to sort, filter and look into tasks, needs "
       "Textual 2 or newer: pip install 'trampoline-kernel[top]'")
BARS = 40  # lags that are shown


def top(options: Options, pid: int, conversation: Callable[[int], Conversation]) -> None:
    """Show what the process does until Ctrl-C, or until it ends, which is `Unreachable` then."""
    count, interval, choice = count_in(options), interval_in(options), choice_in(options)
    whole_screen = sys.stdin.isatty() and sys.stdout.isatty() and count is None and "--plain" not in options.others
    with conversation(pid) as asked:
        asked.ask({"ask": "top", "interval": interval, "data": options.data})
        if whole_screen and textual_is_there():
            from .screen import show  # here, since Textual need not be installed, and takes long to load
            show(moments(asked, pid), asked, pid, interval, choice)
        else:
            show_tables(asked, pid, count, choice)
            if whole_screen:
                print(HOW, file=sys.stderr)


def textual_is_there() -> bool:
    """Whether Textual is installed, in a version that the whole screen can use."""
    try:
        return int(version("textual").partition(".")[0]) >= 2
    except PackageNotFoundError:
        return False


def moments(asked: Conversation, pid: int) -> Iterator[Moment]:
    """What the process tells of itself, until it ends."""
    following = Following()
    for line in asked.lines():
        try:
            yield following.take(line)
        except Nonsense as error:
            raise Unreachable(f"process {pid} has sent what this tool does not understand: {error}", 1) from None


def ended(pid: int) -> Unreachable:
    return Unreachable(f"process {pid} has ended", 1)


def show_tables(asked: Conversation, pid: int, count: int | None, choice: Choice) -> None:
    """Write tables: each in the place of the one before on a terminal, and below it elsewhere."""
    interrupted = False

    def detach(number: int, frame: object) -> None:
        nonlocal interrupted
        interrupted = True
        asked.cut_off()

    terminal = sys.stdout.isatty()
    signal.signal(signal.SIGINT, detach)
    # The first line, which comes at once, has no figures yet. It is only for who looks at it until the next one comes.
    for number, moment in enumerate(moments(asked, pid), 1 if terminal else 0):
        if number == 0:
            continue
        size = os.get_terminal_size(sys.stdout.fileno()) if terminal else None
        before = CLEAR if terminal else "\n" if number > 1 else ""
        print(before + fitted(table(moment, choice, size), sys.stdout.encoding), end="", flush=True)
        if number == count:
            return
    if not interrupted:
        raise ended(pid)


def table(moment: Moment, choice: Choice, size: os.terminal_size | None = None) -> str:
    """The tables of all kernels. On a terminal of that `size` what has no room there is left out."""
    if not moment.kernels:
        return NO_KERNEL
    lines = [line for place, kernel in enumerate(moment.kernels)
             for line in [*([""] if place else []), *lines_of(kernel, choice)]]
    if size is not None:
        lines = [line[:size.columns] for line in lines[:size.lines - 1]]
    return "\n".join(lines) + "\n"


def lines_of(kernel: KernelMoment, choice: Choice) -> Iterator[str]:
    yield from head(kernel)
    yield f"{work(kernel)}; lag {bars(kernel.lags, BARS)}"
    rows = rows_of(kernel, choice)
    cells = [[column.title for column in COLUMNS.values()]]
    for row in rows:
        texts = {title: column.text(kernel, row.task) for title, column in COLUMNS.items()}
        texts["NAME"] = "  " * row.level + texts["NAME"]
        cells.append(list(texts.values()))
    widths = [max(map(len, column)) for column in zip(*cells)]
    rights = [column.right for column in COLUMNS.values()]
    for place, line in enumerate(cells):
        yield "  ".join(text.rjust(width) if right else text.ljust(width)
                        for text, width, right in zip(line, widths, rights)).rstrip()
        if place and rows[place - 1].alike:
            yield " " * (widths[0] + 2) + f"... and {rows[place - 1].alike:,} more like it"


def count_in(options: Options) -> int | None:
    text = options.others.get("-n")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise WrongUse(f"-n takes the number of tables to write, 1 or more, not {text!r}")
    return int(text)


def interval_in(options: Options) -> float:
    text = options.others.get("--interval", "1")
    try:
        interval = float(text)
    except ValueError:
        interval = 0.0
    if not INTERVALS[0] <= interval <= INTERVALS[1]:
        raise WrongUse(f"--interval takes a number of seconds from {INTERVALS[0]:g} to {INTERVALS[1]:g}, not {text!r}")
    return interval


def choice_in(options: Options) -> Choice:
    column = options.others.get("--sort", Choice().column).upper()
    if column not in COLUMNS:
        raise WrongUse(f"--sort {options.others['--sort']}: there is no such column; there are {', '.join(COLUMNS)}")
    return Choice(column, "--reverse" in options.others, options.others.get("--filter", ""), "--tree" in options.others,
                  "--all" in options.others)
