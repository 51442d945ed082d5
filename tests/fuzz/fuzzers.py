"""The fuzzers by name."""

from __future__ import annotations

from . import asyncio_vocabulary, native_vocabulary
from .campaign import Fuzzer
from .differential import difference
from .invariants import violations


def judge_difference(source: str, seed: int) -> str | None:
    """Most programs are run in virtual time, where delays mean something."""
    return difference(source, real_time=seed % 8 == 7)


FUZZERS = {fuzzer.name: fuzzer for fuzzer in (
    Fuzzer("asyncio", asyncio_vocabulary.KINDS, judge_difference),
    Fuzzer("native", native_vocabulary.KINDS, violations),
)}
