"""The programs in `listed`, each with a snapshot that it makes of itself, and the listings that this has to give."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kernel.snapshots import listing
from tests.support.paths import ROOT

PROGRAMS = ROOT / "tests" / "support" / "listed"


def transcript(program: Callable[[list[dict[str, Any]]], object]) -> str:
    """All listings of the snapshot that `program`, run in the directory of the programs, has put into the list."""
    seen: list[dict[str, Any]] = []
    with inside_of_directory():
        program(seen)
        seen = json.loads(json.dumps(seen))  # as another process gets them
        listings: dict[str, Callable[[dict[str, Any]], str]] = {"ps": listing.ps, "tree": listing.tree, "stack": listing.stack,
                                                                "locks": listing.locks}
        text = "\n".join(f"$ {name}\n{make(seen[0])}" for name, make in listings.items())
    return re.sub(", lag 0.000s$", "", text, flags=re.MULTILINE)


@contextmanager
def inside_of_directory() -> Iterator[None]:
    before = os.getcwd()
    os.chdir(PROGRAMS)
    try:
        yield
    finally:
        os.chdir(before)


def golden(name: str) -> str:
    return (PROGRAMS / f"{name}.txt").read_text()
