"""What every command that starts a program does for it: it can be looked into, answers Ctrl-\\, and is traced if asked."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from ..insight.serving import offer, offer_if_asked, withdraw
from .options import Options


@contextmanager
def insight(options: Options, command: str) -> Iterator[None]:
    """While inside, the program that runs here is watched as the options say, and can be looked into.

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
    if not (options.strace or options.count):
        yield
        return
    # Here, to save start-up time: few programs are traced.
    from .tracing import Tracing
    with Tracing(options, command):
        yield


def answer_ctrl_backslash() -> None:
    """Have Ctrl-\\ show what all tasks do, in the place of ending the process with a core dump."""
    if hasattr(signal, "SIGQUIT") and signal.getsignal(signal.SIGQUIT) is signal.SIG_DFL:
        from ..insight.dumping import dump_on  # here, as Windows has no such signal
        dump_on(signal.SIGQUIT)
