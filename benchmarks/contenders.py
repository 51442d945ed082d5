"""Who is measured: this project's kernel and its asyncio-compatible loop, and the peers that are installed.

Contenders of one *dialect* run the very same code. The four contenders of the dialect "asyncio" run it on different
event loops: asyncio's own, this project's (`compat`), uvloop's and rloop's.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from .dialects import WORDS, Words


@dataclass(frozen=True)
class Contender:
    """One that takes part. `module` is what it is imported as."""

    name: str
    dialect: str
    module: str

    @property
    def installed(self) -> bool:
        return importlib.util.find_spec(self.module) is not None

    def load(self) -> Any:
        """Its module."""
        return importlib.import_module(self.module)

    @property
    def library(self) -> tuple[Any, ...]:
        """The last argument of code in its dialect: the module, where that may not be installed; else no argument."""
        return () if self.dialect in ("kernel", "asyncio") else (self.load(),)

    def words(self) -> Words:
        """The words of its dialect."""
        return WORDS[self.dialect](*self.library)

    def run(self, function: Callable[..., Coroutine[Any, Any, Any]], *args: Any) -> Any:
        """Run `function(*args)` to its end as this contender's programs are run, and return what it returns."""
        if self.name == "compat":
            self.load().install()  # as `python -m compat` does
        if self.dialect == "asyncio":
            with asyncio.Runner(loop_factory=self.load().new_event_loop) as runner:
                return runner.run(function(*args))
        if self.dialect == "trio":
            return self.load().run(function, *args)
        return self.load().run(function(*args))  # kernel and curio


EVERYONE = [
    Contender("kernel", "kernel", "kernel"),
    Contender("compat", "asyncio", "compat"),
    Contender("asyncio", "asyncio", "asyncio"),
    Contender("uvloop", "asyncio", "uvloop"),
    Contender("rloop", "asyncio", "rloop"),
    Contender("trio", "trio", "trio"),
    Contender("curio", "curio", "curio"),
]
OURS = ("kernel", "compat")
BY_NAME = {contender.name: contender for contender in EVERYONE}
