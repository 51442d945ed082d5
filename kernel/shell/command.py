"""`trampoline`, the console command: it starts programs, and shows what running ones do.

It is installed as a script of its own. So Python does not look for modules in the current directory, and a file
`kernel.py` or `compat.py` there is not taken for one of ours.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, TextIO

from ..serving.service import withdraw
from ..snapshots.drawing import fitted
from ..snapshots.listing import locks, ps, stack, tree
from .client import Absent, Conversation, Unreachable, offering
from .injecting import inject
from .options import CHOOSING, Options, WrongUse, parse

Starter = Callable[[list[str], str], int]  # is given the arguments and what to call the command; returns the status

OVERVIEW = """\
usage: trampoline COMMAND [option ...] [argument ...]

Start a program:
  run FILE             run main() of FILE on the kernel, as 'python -m kernel FILE' does
  asyncio PROGRAM      run an asyncio program on the kernel, as 'python -m compat PROGRAM' does

Look into a running one:
  ps                   the processes that can be looked into
  ps PID               its tasks: what each one waits for, and where
  tree PID             its tasks as a tree: whose child each one is, who awaits whom, circles of waits
  stack PID [TASK]     the whole chain of awaits of each task, or of one, with source lines
  locks PID            who holds what, and who waits for it in which order
  strace PID           each request of each task, as it is made and answered, until Ctrl-C
  top PID              a live view: who waits, who runs, and who holds up the others
  dump PID             all of this, as JSON

Look at a recording, which 'run' and 'asyncio' make with the option --record FILE:
  show FILE            each request of each task, as strace shows it
  timeline FILE        make a timeline of it, for ui.perfetto.dev or chrome://tracing
  movie FILE           make a movie of it: a page on which one watches the kernel run the program

'trampoline COMMAND --help' says more about one of them. A program can be looked into by its user and by root, if it was
started by 'trampoline run' or 'asyncio', by 'python -m kernel' or 'python -m compat', or with TRAMPOLINE_INSIGHT=1 in
its environment; on Python 3.14 and later, any program on the kernel. The exit status is 0, 1 when the process has
ended, and 2 for what cannot be done.
"""

PS = """\
usage: trampoline ps [--all] [--no-data] [PID]

Without PID: lists the processes that can be looked into, with the number of their tasks. With PID: lists the tasks of
that process, with what each one waits for and where its code is.

  --all        show each task, also where many wait for the same thing at the same place
  --no-data    leave out arguments
"""
TREE = """\
usage: trampoline tree [--all] [--no-data] PID

Shows the tasks of the process as a tree: a task is below the one whose group it belongs to, or which awaits it. A
circle, in which tasks wait for each other, is shown with what closes it.

  --all        show each task, also where many are alike
  --no-data    leave out arguments
"""
STACK = """\
usage: trampoline stack [--no-data] PID [TASK]

Shows for each task the whole chain of awaits with its source lines, the innermost last. TASK is the number or the name
of a task; "*" in a name stands for anything.

  --no-data    leave out arguments
"""
LOCKS = """\
usage: trampoline locks [--no-data] PID

Shows each lock, queue, event and the like that a task waits for: who holds it, and who waits in which order.

  --no-data    leave out arguments
"""
DUMP = """\
usage: trampoline dump [--no-data] [-o FILE] PID

Writes all that is known of the process's tasks as JSON.

  -o FILE      write it to FILE instead of standard output
  --no-data    leave out arguments
"""
STRACE = f"""\
usage: trampoline strace [option ...] PID

Writes a line for each request of each task, as it is made and answered, until Ctrl-C. The program goes on as before.

  -c                count: write nothing until Ctrl-C, and then a summary by kind of request and by task
  -o FILE           write to FILE instead of standard output
  -p PID            the process, as in strace
{CHOOSING}"""
TOP = """\
usage: trampoline top [option ...] PID

Shows the tasks of the process again and again, until q or Ctrl-C: what each one waits for and since when, how often and
how long it ran, its longest step, and how late the kernel runs what is ready. The figures begin with the view. On a
terminal, and if Textual is installed (pip install 'trampoline-kernel[top]'), it is on the whole screen, with keys to
sort and to look into tasks; ? lists them. Else it is one plain table after the other.

  -n COUNT             write COUNT tables, and end
  --interval SECONDS   from one table to the next; 1 by default
  --sort COLUMN        sort by this column: ID, NAME, STATE, SINCE, STEPS, BUSY%, BUSY, LONGEST, WAITS-FOR or WHERE
  --reverse            sort the other way round
  --filter TEXT        show only tasks with TEXT in their names, waits or places
  --tree               show each task below the one whose group it belongs to, or which awaits it
  --all                show each task, also where many are alike
  --plain              write plain tables in any case
  --no-data            leave out arguments
"""

SHOW = f"""\
usage: trampoline show [option ...] FILE

Writes a line for each request of each task in the recording, as strace does while a program runs.

  -o FILE           write to FILE instead of standard output
{CHOOSING}"""
TIMELINE = """\
usage: trampoline timeline [-o FILE.json] FILE

Makes a timeline of the recording: when each task ran, what it waited for, and who woke it. It is in the Trace Event
format, which ui.perfetto.dev and chrome://tracing show.

  -o FILE           write to FILE; by default to a file beside the recording whose name ends with ".json"
"""
MOVIE = """\
usage: trampoline movie [-o FILE.html] FILE

Makes a movie of the recording: a page, in one file, on which one watches the kernel run the program step by step.

  -o FILE           write to FILE; by default to a file beside the recording whose name ends with ".html"
"""


def main(starters: Mapping[str, Starter] = {}) -> int:
    """What the console command does; its exit status. `starters` are commands that start programs of other kinds."""
    name, *arguments = sys.argv[1:] or [""]
    if name == "run":
        # Here, to save start-up time: what looks into a process does not need the whole kernel.
        from .programs import main as run
        return run(arguments, "trampoline run")
    if name in starters:
        return starters[name](arguments, f"trampoline {name}")
    if name in ("-h", "--help"):
        print(OVERVIEW, end="")
        return 0
    if name not in COMMANDS:
        print(OVERVIEW if not name else f"trampoline: there is no command {name!r}; 'trampoline --help' lists those "
              "that there are", end="" if not name else "\n", file=sys.stderr)
        return 2
    withdraw()  # this process is none that anybody wants to look into, whatever its environment says
    return look(name, arguments)


def look(name: str, arguments: list[str]) -> int:
    """Carry out one of the commands that look into a process."""
    carry_out, text, short, long = COMMANDS[name]
    try:
        options, arguments = parse(arguments, "h" + short, ["help", "no-data", *long], anywhere=True)
        if options.help:
            print(text, end="")
        else:
            carry_out(options, arguments)
    except BrokenPipeError:  # whoever reads the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes it at the end
        return 1
    except WrongUse as error:
        print(f"trampoline {name}: {error}; see 'trampoline {name} --help'", file=sys.stderr)
        return 2
    except Unreachable as error:
        print(f"trampoline {name}: {printable(str(error))}", file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        return 130
    return 0


def process_in(arguments: list[str], most: int = 1) -> int:
    """The number of the process, which is the first of the arguments."""
    if not arguments:
        raise WrongUse("the number of a process is missing; 'trampoline ps' lists those that can be looked into")
    if len(arguments) > most:
        raise WrongUse(f"{arguments[most]!r} is one argument too many")
    if not (arguments[0].isascii() and arguments[0].isdigit() and 0 < int(arguments[0]) < 1 << 31):
        raise WrongUse(f"{arguments[0]!r} is no number of a process; 'trampoline ps' lists those that can be looked into")
    return int(arguments[0])


def conversation(pid: int) -> Conversation:
    """A conversation with the process, which is made to offer itself if that is possible."""
    try:
        return Conversation(pid)
    except Absent as absent:
        if not inject(pid):
            raise absent from None
    return Conversation(pid)


def snapshot(options: Options, pid: int) -> dict[str, Any]:
    with conversation(pid) as asked:
        return asked.ask({"ask": "snapshot", "data": options.data})


def show_processes() -> None:
    processes = list(offering(os.geteuid()))
    if not processes:
        print("no process of yours can be looked into" if os.geteuid() else "no process can be looked into")
        return
    rows = [("PID", "PYTHON", "KERNELS", "TASKS", "COMMAND")]
    for each in processes:
        tasks = each.get("tasks")  # of each kernel; not known where the process does not answer
        counts = ("?", "?") if tasks is None else (str(len(tasks)), str(sum(tasks)))
        rows.append((str(each["pid"]), each.get("python", "?"), *counts, printable(" ".join(each["argv"]))))
    widths = [max(map(len, column)) for column in zip(*rows)]
    for pid, python, kernels, tasks, command in rows:
        print(pid.rjust(widths[0]), python.ljust(widths[1]), kernels.rjust(widths[2]), tasks.rjust(widths[3]), command)


def show(listing: str) -> None:
    print(fitted(listing, sys.stdout.encoding), end="")


def do_ps(options: Options, arguments: list[str]) -> None:
    if not arguments:
        show_processes()
    else:
        show(ps(snapshot(options, process_in(arguments)), "--all" in options.others))


def do_tree(options: Options, arguments: list[str]) -> None:
    show(tree(snapshot(options, process_in(arguments)), "--all" in options.others))


def do_stack(options: Options, arguments: list[str]) -> None:
    copy = snapshot(options, process_in(arguments, 2))
    try:
        show(stack(copy, arguments[1] if len(arguments) == 2 else None))
    except ValueError as error:  # no such task
        raise Unreachable(str(error)) from None


def do_locks(options: Options, arguments: list[str]) -> None:
    show(locks(snapshot(options, process_in(arguments))))


def do_dump(options: Options, arguments: list[str]) -> None:
    copy = snapshot(options, process_in(arguments))
    with writing_to(options.file) as file:
        json.dump(copy, file, indent=2)
        file.write("\n")


def do_strace(options: Options, arguments: list[str]) -> None:
    pid = process_in([*arguments, *options.others.values()])
    request = {"ask": "summary" if options.count else "strace", "kinds": options.kinds, "task": options.task,
               "data": options.data, "durations": options.durations, "relative": options.relative}
    detached = False

    def detach(number: int, frame: object) -> None:
        nonlocal detached
        detached = True
        signal.signal(signal.SIGINT, signal.default_int_handler)  # for who does not want to wait for the last lines
        asked.detach()

    with writing_to(options.file) as file, conversation(pid) as asked:
        signal.signal(signal.SIGINT, detach)  # first: the trace may begin at any moment from the next line on
        asked.ask(request)
        for text in asked.text():
            file.write(printable(text, "\n"))
            file.flush()
    if not detached:
        print(f"trampoline strace: process {pid} has ended", file=sys.stderr)


def do_top(options: Options, arguments: list[str]) -> None:
    from .top import top  # here, to save start-up time: the other commands do not need what it does
    top(options, process_in(arguments), conversation)


@contextmanager
def writing_to(name: str | None) -> Iterator[TextIO]:
    """The file of that name, or standard output."""
    if name is None:
        yield sys.stdout
        return
    try:
        file = open(name, "w", encoding="utf-8")
    except OSError as error:
        raise WrongUse(f"cannot write to {name}: {error.strerror}") from None
    with file:
        yield file


def printable(text: str, kept: str = "") -> str:
    """`text` with control characters, which a terminal would obey, as escapes; those that are `kept` as they are."""
    return text.translate({code: f"\\x{code:02x}" for code in [*range(32), *range(127, 160)] if chr(code) not in kept})


def do_picture(name: str, options: Options, arguments: list[str]) -> None:
    from .pictures import PICTURES  # here, to save start-up time: what looks into a process needs none of it
    PICTURES[name](options, arguments)


Row = tuple[Callable[[Options, list[str]], None], str, str, list[str]]

# Each with what carries it out, its help, and the short and the long options that it has besides -h and --no-data.
COMMANDS: dict[str, Row] = {
    "ps": (do_ps, PS, "", ["all"]),
    "tree": (do_tree, TREE, "", ["all"]),
    "stack": (do_stack, STACK, "", []),
    "locks": (do_locks, LOCKS, "", []),
    "dump": (do_dump, DUMP, "o:", []),
    "show": (partial(do_picture, "show"), SHOW, "e:o:rT", ["task="]),
    "timeline": (partial(do_picture, "timeline"), TIMELINE, "o:", []),
    "movie": (partial(do_picture, "movie"), MOVIE, "o:", []),
    "strace": (do_strace, STRACE, "ce:o:p:rT", ["task="]),
    "top": (do_top, TOP, "n:", ["interval=", "sort=", "reverse", "filter=", "tree", "all", "plain"]),
}
