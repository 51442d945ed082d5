"""Sessions at a terminal, as a page of the documentation shows them, and what really happens when one types them.

A session is a block of lines. Lines after "$ " are commands; what follows each is its output. A line "..." stands for
any lines. A command with "&" at its end goes on in the background, and 4242 is its process. A line "^C" interrupts the
command above it.
"""

from __future__ import annotations

import re
import shlex
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

from tests.support.interpreters import Process, ended, next_line, run_python, started_python
from tests.support.offered import COMMAND, Place
from tests.support.paths import ROOT

# What stands for a command of the pages. The plugin of pytest is named, since this project need not be installed.
COMMANDS: dict[str, list[str]] = {
    "python3": [], "python3.11": [], "trampoline": [COMMAND], "pytest": ["-m", "pytest", "-p", "compat.plugin", "-p", "no:cacheprovider"]}


def blocks(text: str, language: str) -> list[str]:
    """What stands in the fenced blocks of a page in Markdown that are marked with `language`."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def save_programs(text: str, directory: Path) -> list[str]:
    """Save each program of the page under the name in its first line; return the names."""
    names = []
    for program in blocks(text, "python"):
        name = re.match(r"# (\w+\.py)\n", program)
        assert name is not None, f"a program without a name in its first line:\n{program}"
        (directory / name[1]).write_text(program)
        names.append(name[1])
    return names


def check_session(block: str, place: Place, directory: Path) -> None:
    """Type the commands, in `directory`, and compare what they print with what the page shows."""
    with ExitStack() as stack:
        background: Process | None = None
        for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            words = shlex.split(command)
            if words[-1] == "&":
                background = stack.enter_context(started_python(*arguments_of(words[:-1], None), cwd=directory,
                                                                environment=place.environment))
                first, *rest = shown.splitlines()
                assert next_line(background) == first
                if rest:
                    assert background.stderr is not None
                    printed = "".join(background.stderr.readline() for _ in rest)
                    compare("\n".join([*rest, ""]), printed, directory)
            elif shown.endswith("^C\n"):
                tool = stack.enter_context(started_python(*arguments_of(words, background), cwd=directory,
                                                          environment=place.environment))
                compare(shown.removesuffix("^C\n"), "".join(f"{next_line(tool)}\n" for _ in shown.splitlines()[:-1]), directory)
                tool.send_signal(signal.SIGINT)
                assert ended(tool)[::2] == (0, "")
            elif words[0] == "cat":
                compare(shown, (directory / words[1]).read_text(), directory)
            else:
                done = run_python(*arguments_of(words, background), cwd=directory, environment=place.environment)
                printed = done.out + done.err
                if words == ["trampoline", "ps"] and background is not None:  # which shows root the programs of others, too
                    printed = "".join(line for line in printed.splitlines(True)
                                      if line.split()[0] in ("PID", str(background.pid)))
                compare(shown, printed, directory)


def arguments_of(words: list[str], background: Process | None) -> list[str]:
    """What a command means for Python."""
    words = [str(background.pid) if word == "4242" and background is not None else word for word in words]
    return [*COMMANDS[words[0]], *words[1:]]


def compare(shown: str, printed: str, directory: Path) -> None:
    """Assert that `printed` is what is shown, but for what differs from run to run."""
    parts = [re.escape(same(part)) for part in re.split(r"^\.\.\.\n", shown, flags=re.MULTILINE)]
    # Python first: its environment may be in one of the directories.
    plain = printed.replace(sys.executable, "python3").replace(f"{directory}/", "").replace(f"{ROOT}/", "")
    found = re.fullmatch(r"(?:[^\n]*\n)*?".join(parts), same(plain))
    assert found is not None, f"the page shows:\n{shown}\nand this is printed:\n{printed}"


def same(text: str) -> str:
    """`text` without times, process numbers, and how wide columns are."""
    text = re.sub(r"\d+\.\d{6}|(?<=lag )\d+\.\d+|(?<=>)\d+\.\ds|(?<= in )\d+\.\d+ ?s", "N", text)
    text = re.sub(r"\d+\.\d\d%", "N%", text)
    text = re.sub(r"^ *\d+ \d\.\d+\.\S+(?= +\d)", "PID PYTHON", text, flags=re.MULTILINE)  # in a list of processes
    return re.sub(r"  +", " ", re.sub(r"^ +(?=PID )", "", text, flags=re.MULTILINE))
