"""What every command that starts a program does for it: it can be looked into, answers Ctrl-\\, draws deadlocks, and is
watched if asked."""

from __future__ import annotations

import signal
from contextlib import AbstractContextManager, nullcontext

from ..serving.service import offer, offer_if_asked, withdraw
from ..snapshots.deadlocks import draw_deadlocks
from .options import Options


def insight(options: Options, command: str) -> AbstractContextManager[None]:
    """Let the program that runs here be looked into; return a block in which it is watched as the options say.

    `command` is what its messages begin with. Raises `WrongUse` when there is a file that cannot be written to.
    """
    if options.no_insight:
        withdraw()  # the environment may have asked for it
    else:
        try:
            offer()
        except OSError:
            offer_if_asked()  # says why, if the user has asked
    answer_ctrl_backslash()
    draw_deadlocks()
    if not (options.strace or options.count or options.recorder or options.records):
        return nullcontext()
    from .tracing import Tracing  # here, to save start-up time: few programs are watched
    return Tracing(options, command)


def answer_ctrl_backslash() -> None:
    """Have Ctrl-\\ show what all tasks do, in the place of ending the process with a core dump."""
    if hasattr(signal, "SIGQUIT") and signal.getsignal(signal.SIGQUIT) is signal.SIG_DFL:
        from ..snapshots.dumping import dump_on  # here, as Windows has no such signal
        dump_on(signal.SIGQUIT)
