"""Libraries in C with sockets of their own, of which Python is not told: a simulated run refuses to use them.

They are refused where a program begins to use them. Later would be too late: a real server might have been asked by
then, and grpc's core crashes the process when it cannot have a thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from unittest.mock import patch

from kernel.sim.refusals import NO_LIBRARIES, REFUSED, audited

from .after_import import AfterImport

# Modules, and what a program begins with.
LIBRARIES = {
    "grpc._cython.cygrpc": ("AioChannel", "AioServer", "Channel", "Server"),
    "psycopg.generators": ("connect",),
}


def _event(module: str, name: str) -> str:
    """What the audit hook is told, which has the library's name: "grpc.Channel"."""
    return f"{module.partition('.')[0]}.{name}"


REFUSED.update((event, (f"{event}()", NO_LIBRARIES)) for module, names in LIBRARIES.items()
               for event in (_event(module, name) for name in names))


@contextmanager
def refused_libraries() -> Iterator[None]:
    """While inside, a simulated run refuses what is in `LIBRARIES`, also if it is imported only now."""
    with ExitStack() as stack:
        def refuse(module: ModuleType) -> None:
            for name in LIBRARIES[module.__name__]:
                refused = audited(_event(module.__name__, name), getattr(module, name))
                stack.enter_context(patch.object(module, name, refused))

        libraries = AfterImport(dict.fromkeys(LIBRARIES, refuse))
        stack.callback(libraries.stop)
        libraries.start()
        yield
