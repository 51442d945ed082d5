"""`python -m compat PROGRAM`: run an asyncio program on this project's event loop."""

from __future__ import annotations

import builtins
import os
import runpy
import sys
import types
import zipfile
from importlib.machinery import SourceFileLoader
from typing import NoReturn

from kernel.shell.options import HELP as OPTIONS
from kernel.shell.options import WrongUse, parse_starting
from kernel.shell.starting import insight

from .installing import install
from .legacy.source import compile_source
from .shadows import HERE, hidden_in


HELP = """\
usage: {command} [option ...] [--legacy] PROGRAM.py [argument ...]
       {command} [option ...] [--legacy] -m MODULE [argument ...]

Runs an unmodified asyncio program on this project's event loop, and so the processes that it starts by multiprocessing.
A program that calls uvloop.run() stays on uvloop, and gets a warning. With --legacy, asyncio has again what it has
dropped since Python 3.4: @asyncio.coroutine, loop= arguments, generators in the place of coroutines, ...
Ctrl-\\ prints what each task waits for, and the program goes on.

"""


def main(args: list[str], command: str = "python -m compat") -> None:
    """Run the program that `args` name. What the program raises is raised here, `SystemExit` included."""
    text = HELP.format(command=command) + OPTIONS
    try:
        options, args = parse_starting(args, "m", ["legacy"])
        if options.help:
            print(text, end="")
            return
        if not args:
            refuse(command, f"a program to run is missing\n\n{text}")
        legacy, is_module = "--legacy" in options.others, "-m" in options.others
        if not (is_module or os.path.isfile(args[0]) or os.path.isdir(args[0])):
            refuse(command, f"can't open file {args[0]!r}: there is no such file")
        with insight(options, command):
            run(args, is_module, legacy, command)
    except WrongUse as error:
        refuse(command, f"{error}; see '{command} --help'")


def refuse(command: str, reason: str) -> NoReturn:
    print(f"{command}: {reason}", file=sys.stderr)
    sys.exit(2)


def run(args: list[str], is_module: bool, legacy: bool, command: str) -> None:
    """Run the module, the directory, the archive or the file that is the first of `args`."""
    install(legacy=legacy)
    sys.argv = args
    if is_module:
        use_directory(os.getcwd(), command)
        runpy.run_module(args[0], run_name="__main__", alter_sys=True)
    elif os.path.isdir(args[0]) or zipfile.is_zipfile(args[0]):
        tell_hidden(args[0], command)
        runpy.run_path(args[0], run_name="__main__")
    else:
        use_directory(os.path.dirname(os.path.realpath(args[0])), command, args[0])
        run_file(args[0], legacy)


def use_directory(directory: str, command: str, program: str | None = None) -> None:
    """Import modules from `directory` first, as Python does for a program that it runs itself; but not under -P."""
    if not sys.flags.safe_path:
        sys.path[0] = directory
        tell_hidden(directory, command, program)


def tell_hidden(directory: str, command: str, program: str | None = None) -> None:
    """Name the files of `directory` that the program cannot import, because our packages have the same names."""
    for path in hidden_in(directory, program):
        name = os.path.basename(path).removesuffix(".py")
        print(f"{command}: {path} cannot be imported by the program: 'import {name}' gives it the package "
              f"{os.path.join(HERE, name)}, which runs it; rename the former", file=sys.stderr)


def run_file(path: str, legacy: bool) -> None:
    """Run the file as the module `__main__`. It stays that module afterwards, so that its classes can be pickled."""
    with open(path, "rb") as file:
        source = file.read()
    path = os.path.join(os.getcwd(), path)  # as Python does: absolute, and any "./" stays in it
    code = compile_source(source, path) if legacy else compile(source, path, "exec", dont_inherit=True)
    module = types.ModuleType("__main__")
    module.__file__ = path
    vars(module).update(__builtins__=builtins, __loader__=SourceFileLoader("__main__", path))
    if sys.version_info < (3, 15):
        vars(module)["__cached__"] = None
    sys.modules["__main__"] = module
    exec(code, vars(module))


if __name__ == "__main__":
    main(sys.argv[1:])
