"""What the movies of the documentation tell: their recordings in lines, each made in a process of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from tests.support.interpreters import run_python

TELL = """\
import sys
from docs.movies.catalogue import MOVIES
from docs.movies.recording import recorded
from tests.support.recordings import lines_of
print(*lines_of(recorded(MOVIES[sys.argv[1]])), sep="\\n")
"""

Deed = tuple[float, str, str]  # when on the kernel's clock, in which function, what


@cache
def story(name: str) -> list[str]:
    """The moments of a movie in words."""
    status, out, err = run_python("-c", TELL, name)
    assert status == 0, err
    return out.splitlines()


def deeds(lines: list[str]) -> Iterator[Deed]:
    """The sleeps and the ends of tasks, by the function that each task is in: its name is another one in each style."""
    now = 0.0
    functions: dict[str, str] = {}  # by task
    for line in lines:
        if found := re.fullmatch(r"clock (.*)", line):
            now = float(found[1])
        elif found := re.fullmatch(r"ask (.*) (sleep\(.*\)) at (\w+) blocked.*", line):
            functions[found[1]] = found[3]
            yield now, found[3], found[2]
        elif found := re.fullmatch(r"exit (.*) returned.*", line):
            yield now, functions.get(found[1], ""), "is done"
