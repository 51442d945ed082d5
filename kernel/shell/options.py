"""The options of insight, which stand before the program on every command line that starts one.

The console command uses those that choose what a trace shows for running processes as well.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..insight.requests import KINDS

CHOOSING = f"""\
  -e KINDS          trace requests of these kinds only; "!" before the first: of all others.
                    Kinds, separated by commas: {', '.join(KINDS[:6])},
                    {', '.join(KINDS[6:])}
  -T                show how long each request took
  -r                show the time since the line before
  --task PATTERN    trace only the tasks whose name, or number, matches; "*" stands for anything
  --no-data         leave out arguments and answers
"""
HELP = f"""\
options:
  --strace          trace: write a line for each request of each task
  -c                count: at the end write a summary by kind of request and by task
  -o FILE           write both to FILE instead of standard error
{CHOOSING}\
  --recorder FILE   keep the last 10,000 events of tasks in memory, and write them to FILE after a deadlock or when an
                    exception ends the program; 'trampoline ps PID' then shows how long each task has waited
  --record FILE     record all that happens into FILE, to be looked at later by 'trampoline show', 'timeline' or 'movie'
  --timeline FILE   write a timeline of the program at its end, for ui.perfetto.dev or chrome://tracing
  --movie FILE      write a movie of the program at its end: a page on which one watches the kernel run it
  --no-insight      do not let 'trampoline ps PID' and the like look into the process
  -h, --help        show this text
"""


class WrongUse(Exception):
    """The command line cannot be followed; the message says why."""


class Options:
    """What was asked for. `others` has the options that only some commands know, each with its value."""

    def __init__(self) -> None:
        self.strace = self.count = self.help = self.no_insight = False
        self.file: str | None = None
        self.recorder: str | None = None
        self.record: str | None = None
        self.timeline: str | None = None
        self.movie: str | None = None
        self.kinds: list[str] | None = None
        self.durations = self.relative = False
        self.task: str | None = None
        self.data = True
        self.others: dict[str, str] = {}

    @property
    def records(self) -> bool:
        """Whether a recording is to be made."""
        return not (self.record is self.timeline is self.movie is None)

    def take(self, name: str, value: str) -> None:
        """Take one option as `getopt` gives it."""
        match name:
            case "-h" | "--help":
                self.help = True
            case "--strace":
                self.strace = True
            case "-c":
                self.count = True
            case "-o":
                self.file = value
            case "-e":
                self.kinds = kinds_in(value)
            case "-T":
                self.durations = True
            case "-r":
                self.relative = True
            case "--task":
                self.task = value
            case "--no-data":
                self.data = False
            case "--recorder":
                self.recorder = value
            case "--record":
                self.record = value
            case "--timeline":
                self.timeline = value
            case "--movie":
                self.movie = value
            case "--no-insight":
                self.no_insight = True
            case _:
                self.others[name] = value


def kinds_in(text: str) -> list[str]:
    """The kinds of requests that are meant by the value of `-e`."""
    negated = text.startswith("!")
    named = text.removeprefix("!").split(",")
    for name in named:
        if name not in KINDS:
            raise WrongUse(f"-e {text}: {name!r} is no kind of requests; there are {', '.join(KINDS)}")
    return [kind for kind in KINDS if (kind in named) != negated]


def parse(arguments: Sequence[str], short: str = "ho:e:Trc", long: Sequence[str] = (), anywhere: bool = False
          ) -> tuple[Options, list[str]]:
    """The options at the beginning of `arguments`, and the rest, which begins with what is no option.

    `anywhere` takes options from behind the other arguments too. `short` and `long` are as in `getopt`.
    """
    options = Options()
    if not anywhere and not (arguments and arguments[0].startswith("-")):
        return options, list(arguments)
    import getopt  # here, to save start-up time: most programs are started without options
    try:
        found, rest = (getopt.gnu_getopt if anywhere else getopt.getopt)(list(arguments), short, list(long))
    except getopt.GetoptError as error:
        raise WrongUse(error.msg) from None
    for name, value in found:
        options.take(name, value)
    return options, rest


# The long options of commands that start a program.
STARTING = "strace", "task=", "no-data", "no-insight", "recorder=", "record=", "timeline=", "movie=", "help"


def parse_starting(arguments: Sequence[str], short: str = "", long: Sequence[str] = ()) -> tuple[Options, list[str]]:
    """The same for a command that starts a program, which may have options of its own."""
    options, rest = parse(arguments, "ho:e:Trc" + short, [*STARTING, *long])
    if not (options.strace or options.count):
        useless = [name for name, given in (("-o", options.file), ("-e", options.kinds), ("-T", options.durations),
                                            ("-r", options.relative), ("--task", options.task),
                                            ("--no-data", not (options.data or options.records))) if given]
        if useless and not options.help:
            raise WrongUse(f"{useless[0]} says how to trace: write --strace or -c as well")
    return options, rest
