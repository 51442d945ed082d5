"""Running a file's `main`, an `async def` or a generator function, on a kernel: `python -m kernel FILE [argument ...]`.

The file is run once, as a module that is named after it: `examples/tour.py` is the module `tour`. It is not
`__main__`, so what stands under `if __name__ == "__main__":` is for `python FILE` alone, and `main` cannot run twice.
The module is in `sys.modules` and its directory in `sys.path`. So its functions and classes can be pickled for another
process.
"""

from __future__ import annotations

import inspect
import os
import ssl as ssl
import sys
import traceback
from collections.abc import Callable
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import ModuleType
from typing import Any

# All that is otherwise loaded late: from the program's directory, if it has a queue.py or the like.
from .. import *  # noqa: F403
from ..core import run
from ..failures import traceback_of
from ..insight.tracebacks import PACKAGE, shown_with, trim
from .options import HELP as OPTIONS
from .options import WrongUse, parse_starting
from .starting import insight

USAGE = "usage: {command} [option ...] FILE [argument ...]"
HELP = """
Runs main(), an async def or a generator function without parameters that FILE defines, on the kernel. sys.argv is
[FILE, argument ...] and sys.path[0] the directory of FILE, as in a script; __name__ is FILE's name without ".py".
"""
STATUS = """
The exit status is a script's: 0 when main returns, what sys.exit() was given, 1 after an exception, 130 after Ctrl-C;
2 when there is no such FILE or no such main. Tracebacks leave out the kernel's own frames; python -X dev -m kernel FILE
shows them. Ctrl-\\ prints what each task waits for, and the program goes on.
"""

LONG = 100  # exceptions in a chain; the interpreter's own hook prints nothing of one that is longer than its stack


class Unusable(Exception):
    """There is nothing to run; the message says why, and what to write instead."""


def load(file: str) -> ModuleType:
    """Run the program `file` as a module, with the `sys.path` and the `sys.modules` that it would have as a script."""
    path = os.path.abspath(file)
    try:
        with open(path, "rb") as stream:
            source = stream.read()
    except OSError as error:
        raise Unusable(f"cannot open {file!r}: {error.strerror}") from None
    if not sys.flags.safe_path:
        sys.path[0] = os.path.dirname(os.path.realpath(path))
        if os.path.dirname(PACKAGE) not in sys.path:
            sys.path.append(os.path.dirname(PACKAGE))  # running in a checkout: its packages, for child processes too
    name = os.path.splitext(os.path.basename(path))[0]
    if name in sys.modules:
        name = "__kernel_main__"  # a file called queue.py must not take the place of the real queue
    module = ModuleType(name)
    module.__file__ = path
    # By this `linecache` finds the source; since Python 3.15 it warns where there is only the file.
    module.__loader__ = SourceFileLoader(name, path)
    module.__spec__ = ModuleSpec(name, module.__loader__, origin=path)
    sys.modules[name] = module
    exec(compile(source, path, "exec", dont_inherit=True), module.__dict__)
    return module


def find_main(module: ModuleType, file: str) -> Callable[[], Any]:
    """The module's `main`, when it can be run."""
    main = getattr(module, "main", None)
    if main is None:
        raise Unusable(f"{file} defines no main; write 'async def main(): ...'")
    function = inspect.unwrap(main) if callable(main) else main
    if not (inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function)):
        kind = ("an async generator function, which cannot be run" if inspect.isasyncgenfunction(function) else
                "an ordinary function" if inspect.isroutine(function) else repr(main))
        raise Unusable(f"main in {file} is {kind}; write 'async def main(): ...', or a generator function")
    try:
        inspect.signature(main).bind()
    except TypeError as error:
        raise Unusable(f"main in {file} is called without arguments: {error}; the command line is in sys.argv") from None
    return main  # type: ignore[no-any-return]  # by the tests above


def main(arguments: list[str], command: str = "python -m kernel") -> int:
    """Do what the command line says; return the exit status, or raise the program's `SystemExit`."""
    usage = USAGE.format(command=command)
    try:
        options, arguments = parse_starting(arguments)
        if options.help:
            print(f"{usage}\n{HELP}\n{OPTIONS}{STATUS}", end="")
            return 0
        if not arguments:
            print(usage, file=sys.stderr)
            return 2
        with insight(options, command):
            return run_file(arguments)
    except Unusable as error:
        print(f"{command}: {error}", file=sys.stderr)
    except WrongUse as error:
        print(f"{command}: {error}; see '{command} --help'", file=sys.stderr)
    return 2


def run_file(arguments: list[str]) -> int:
    """Run `main` of the file that is the first of the arguments, and show the exception that it raises."""
    sys.argv[:] = arguments
    try:
        run(find_main(load(arguments[0]), arguments[0])())
    except (SystemExit, Unusable):
        raise
    except BaseException as error:
        chain = shown_with(error)
        if not sys.flags.dev_mode:
            for shown in chain:
                trim(shown, __file__)
        if len(chain) > LONG and sys.excepthook is sys.__excepthook__:
            traceback.print_exception(error)
        else:
            sys.excepthook(type(error), error, traceback_of(error))
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0
