"""Having a process offer itself that was not prepared for it: Python 3.14 and later can make another one run a script.

The other process runs the script in its main thread, between two bytecodes. A kernel that has nothing to do waits for
events. That system call ends early when a debugger attaches, without any other consequence, and `ptrace` does just
that. Other calls, such as a sleep or the wait for a lock, go on: there the script has to wait until they return.
"""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress

from .client import Absent, Unreachable, user_of

PATIENCE = 3.0  # seconds that the process has to run the script
PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000  # for `waitpid`: also a thread

# It tells how it went by the name of a file, which is there at once with all that is in it.
SCRIPT = '''\
def offer():
    import sys
    try:
        if "kernel.core" not in sys.modules:
            said = "it runs no program on the kernel"
        else:
            from kernel.serving.service import offer_for_a_visit
            offer_for_a_visit()
            said = ""
    except Exception as error:
        said = f"it failed to offer itself: {{type(error).__name__}}: {{error}}"
    import os
    with open({answer!r} + ".new", "w") as file:
        file.write(said)
    os.rename({answer!r} + ".new", {answer!r})
offer()
del offer
'''


def inject(pid: int) -> bool:
    """Have the process `pid` offer itself. False before Python 3.14; `Unreachable` when it cannot be made to."""
    remote_exec: Callable[[int, str], None] | None = getattr(sys, "remote_exec", None)
    if remote_exec is None:
        return False
    user = user_of(pid)
    with tempfile.TemporaryDirectory(prefix="trampoline-") as directory:
        script, answer = os.path.join(directory, "script.py"), os.path.join(directory, "answer")
        with open(script, "w") as file:
            file.write(SCRIPT.format(answer=answer))
        if user != os.geteuid():  # root asks another user's process, which has to read the one and write the other
            os.chown(script, user, -1)
            os.chown(directory, user, -1)
        try:
            remote_exec(pid, script)
            said = wait_for(answer, pid)
        except TimeoutError:
            with suppress(OSError, RuntimeError):  # it has ended
                remote_exec(pid, os.devnull)  # in the place of the script, which Python would miss when it comes to it
            raise Unreachable(f"process {pid} does not offer itself, and has not come to it for {PATIENCE:g} seconds: it is "
                              "stopped, or its main thread is in a call that does not return", 1) from None
        except (OSError, RuntimeError) as error:
            raise Absent(f"process {pid} does not offer itself, and cannot be made to: {error}") from None
    if said:
        raise Absent(f"process {pid} does not offer itself: {said}")
    return True


def wait_for(answer: str, pid: int) -> str:
    """What the script has said. `TimeoutError` when it has not been run in time."""
    begin = time.monotonic()
    interrupted = 0
    while not os.path.exists(answer):
        user_of(pid)  # raises when it has ended
        waited = time.monotonic() - begin
        if waited > PATIENCE:
            raise TimeoutError
        if waited > interrupted + 0.05:  # it has had time to come to the script by itself, and again a second later
            interrupt(pid)
            interrupted += 1
        time.sleep(0.01)
    with open(answer) as file:
        return file.read()


def interrupt(pid: int) -> None:
    """Have the system call in which the main thread of `pid` waits return, as after a signal that nobody handles."""
    if sys.platform != "linux":
        return  # it runs the script when it next runs Python code
    ptrace = ctypes.CDLL(None).ptrace
    ptrace.argtypes = ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p
    if ptrace(PTRACE_SEIZE, pid, None, None) == 0:
        ptrace(PTRACE_INTERRUPT, pid, None, None)
        with suppress(ChildProcessError):  # it has been killed meanwhile
            for _ in range(100):
                if os.waitpid(pid, WALL | os.WNOHANG)[0]:
                    break
                time.sleep(0.001)
        ptrace(PTRACE_DETACH, pid, None, None)
