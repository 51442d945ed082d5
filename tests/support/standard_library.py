"""Modules of asyncio of another Python, loaded as they are, on the Python at hand."""

from __future__ import annotations

import shutil
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType


class NotHere(Exception):
    """This machine does not have what was asked for; the text says what."""


def asyncio_folder(version: str) -> Path:
    """Where asyncio of that Python is, such as of "3.13". Raises `NotHere`."""
    base = Path(sys.base_prefix)
    found = [*base.glob(f"lib/python{version}/asyncio"), *sorted(base.parent.glob(f"*/lib/python{version}/asyncio"))]
    if (executable := shutil.which(f"python{version}")) is not None:
        found += Path(executable).resolve().parents[1].glob(f"lib/python{version}/asyncio")
    if not found:
        raise NotHere(f"no Python {version} was found on this machine, whose asyncio is needed")
    return found[0]


def asyncio_module(name: str, version: str) -> ModuleType:
    """asyncio's module `name` of that Python, under a name of its own, with the rest of asyncio as it is at hand.

    Raises `NotHere`, also when the module does not work with this Python.
    """
    spec = spec_from_file_location(f"asyncio.{name}_of_{version.replace('.', '_')}",
                                   asyncio_folder(version) / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (AttributeError, ImportError) as error:
        raise NotHere(f"asyncio/{name}.py of Python {version} does not work with this Python: {error}") from error
    return module
