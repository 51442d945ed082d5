"""Making the movies of the documentation, all of them or those that are named.

    python3 -m docs.movies.make [--picture] [NAME ...]

The page's own parts, its style and its script, are in two files that all these movies share.

With `--picture` it makes the picture in the README, too. Whoever changes the page of a movie, or one of the programs,
makes the movies again.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kernel.recordings.movies import movie
from kernel.recordings.reading import Recording

from .catalogue import MOVIES
from .recording import ROOT, recorded

FOLDER = Path(__file__).parent
STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
SCRIPT = re.compile(r'<script type="module">(.*?)</script>', re.DOTALL)


def parts_of(page: str) -> tuple[str, str]:
    """The style and the script of a movie."""
    style, script = STYLE.search(page), SCRIPT.search(page)
    assert style is not None and script is not None
    return style[1], script[1]


def sharing(page: str) -> str:
    """A movie that has its style and its script from the two files beside it, and still nothing from a network."""
    page = STYLE.sub('<link rel="stylesheet" href="movie.css">', page)
    page = SCRIPT.sub('<script src="movie.js"></script>', page)  # no module: a browser loads none from the file system
    return re.sub(r"(style|script)-src 'sha256-[^']*'", r"\1-src 'self' file:", page)


def make(name: str) -> None:
    """Make a movie in a process of its own: its program finds no traces of others, such as numbers of tasks."""
    done = subprocess.run([sys.executable, "-m", __spec__.name, "--print", name], cwd=ROOT, capture_output=True)
    if done.returncode:
        sys.exit(f"{name}: {done.stderr.decode()}")
    (FOLDER / f"{name}.html").write_bytes(done.stdout)


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["--print"]:
        os.chdir(ROOT)
        os.closerange(3, 256)  # what this process has inherited: the numbers of descriptors are in a movie
        sys.stdout.write(sharing(movie(recorded(MOVIES[arguments[1]]))))
        return
    picture = "--picture" in arguments
    names = [argument for argument in arguments if argument != "--picture"]
    unknown = set(names) - MOVIES.keys()
    if unknown:
        sys.exit(f"there is no movie {', '.join(sorted(unknown))}; there are {', '.join(MOVIES)}")
    for file, part in zip(("movie.css", "movie.js"), parts_of(movie(Recording({"begin": 0})))):
        (FOLDER / file).write_text(part)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(threads.map(make, names or MOVIES))
    if picture:
        from .picture import draw  # here, as few people have what it needs
        draw()


if __name__ == "__main__":
    main(sys.argv[1:])
