"""No operation leaves anything that only the garbage collector frees, keeps anything, or makes the process grow."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator

import pytest

from .catalogue import TABLE
from .measuring import Growth
from .rows import Row

CONSTANT = 30  # objects in all, however often an operation is run: a table that has grown, a cache
MEASURE = 2  # times as much as asyncio leaves: a frame of ours is an object where asyncio's is in C and none
GROWTH = 64  # bytes an operation; a page more or less is not that yet
PATIENCE = 6  # how often ten batches are run before a process that still grows is taken to grow for ever


def complaints(growth: Growth, limit: Growth | None) -> list[str]:
    """What the operation leaves that it should not, given what it is allowed to leave."""
    found = []
    for what, left, allowed in (("in cycles", growth.cycles, limit.cycles if limit else Counter()),
                                ("kept", growth.kept, limit.kept if limit else Counter())):
        permitted = CONSTANT
        if limit is not None:
            permitted += MEASURE * allowed.total() * growth.operations // limit.operations
        if left.total() > permitted:
            types = ", ".join(f"{count} {name}" for name, count in left.most_common(12))
            found.append(f"{left.total() / growth.operations:.1f} objects {what} an operation, {permitted} being "
                         f"allowed in {growth.operations}: {types}")
    if growth.memory > GROWTH and (limit is None or limit.objects < 1):  # what it is allowed to leave takes memory
        found.append(f"{growth.memory:.0f} bytes of memory an operation")
    return found


@pytest.fixture(scope="module", autouse=True)
def have_everything_collected_again() -> Iterator[None]:
    yield
    gc.unfreeze()


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE.keys())
def test_leaves_nothing(row: Row) -> None:
    growth = row.ours(row.times, PATIENCE)
    limit = row.theirs(row.times, 1) if row.as_asyncio and complaints(growth, None) else None
    found = complaints(growth, limit)
    assert not found, f"{row.name!r} leaves, with the collector off:\n" + "\n".join(found)
