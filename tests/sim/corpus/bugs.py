"""The bugs: which versions of the code have them, and the program in which each shows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from importlib import import_module
from typing import Any, NamedTuple

from tests.support.standard_library import NotHere, asyncio_module

Main = Callable[[], Coroutine[Any, Any, None]]


class Version(NamedTuple):
    """A version of the code in question."""

    pythons: tuple[str, ...] = ()  # whose asyncio has it,
    loaded: str = ""  # and the one of them from which other Pythons can load it
    requirement: str = ""  # what is to be installed, and found by PYTHONPATH
    replacement: str = ""  # of the scenario's module: what to use in the place of the library's own


class Bug(NamedTuple):
    """A published bug."""

    name: str  # of the module that has the scenario
    published: str
    part: str  # of asyncio: module and name; empty for a library
    faulty: Version
    mended: Version
    held_out: bool = False  # whether the explorer was made without it in mind: it was tried only when all was done
    network: bool = False  # whether it is about connections, so that a run has many choices

    def program(self, mended: bool) -> Main:
        """The scenario, with the faulty or the mended version. Raises `NotHere` where that cannot be had."""
        version = self.mended if mended else self.faulty
        try:
            scenario = import_module(f"{__package__}.{self.name}")
        except ImportError as error:
            raise NotHere(f"{version.requirement} is not installed: {error}") from error
        arguments: tuple[Any, ...] = ()
        if version.replacement:
            arguments = getattr(scenario, version.replacement),
        elif self.part and "%d.%d" % sys.version_info[:2] not in version.pythons:
            if not version.loaded:
                raise NotHere(f"only Python {' and '.join(version.pythons)} have it, and no other can load it")
            module, name = self.part.split(".")
            arguments = getattr(asyncio_module(module, version.loaded), name),

        async def main() -> None:
            await scenario.main(*arguments)

        return main


LATER = Version(("3.13", "3.14", "3.15"), "3.13")

BUGS = {bug.name: bug for bug in (
    Bug("wait_for", "CPython 86296", "tasks.wait_for", Version(("3.11",), "3.11"), LATER),
    Bug("condition", "CPython 112202", "locks.Condition", Version(("3.11", "3.12"), "3.11"), LATER),
    Bug("task_group", "CPython, pull request 117407", "taskgroups.TaskGroup", Version(("3.11", "3.12")), LATER),
    Bug("tornado_queue", "tornado 2826", "", Version(requirement="tornado==6.5.2"),
        Version(requirement="tornado==6.5.2", replacement="KeepingQueue")),
    Bug("capacity_limiter", "anyio 947", "", Version(requirement="anyio==4.9.0"), Version(requirement="anyio==4.10.0")),
    Bug("lock", "anyio 1145", "", Version(requirement="anyio==4.13.0"), Version(requirement="anyio==4.14.0"), True),
    Bug("memory_stream", "anyio 728", "", Version(requirement="anyio==4.3.0"), Version(requirement="anyio==4.4.0"),
        True),
    Bug("http_pool", "httpcore 1093", "", Version(requirement="httpcore[asyncio]==1.0.9"),
        Version(requirement="httpcore2[asyncio]==2.16.2"), True),
    Bug("redis_client", "redis-py, CVE-2023-28858", "", Version(requirement="redis==4.5.1"),
        Version(requirement="redis==4.5.5"), network=True),
)}
