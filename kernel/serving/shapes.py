"""What JSON from elsewhere has to be. Once it is checked, whoever reads it can rely on that.

A shape is a type; or a function that tells of a value; or a set of the strings that there are; or a list of the one shape
that all items of a list have; or a tuple of the shapes of its items; or a dict with the shapes of what has to be there.
`Maybe` is for what may be missing, or None.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

Shape = Any


class Maybe:
    """A shape of what may be missing, or None."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape


def or_none(shape: Shape) -> Callable[[object], bool]:
    """A shape of what has to be there, and may be None."""
    return lambda value: value is None or fits(value, shape)


def number(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def fits(value: object, shape: Shape) -> bool:
    """Whether `value` has that shape."""
    if isinstance(shape, Maybe):
        return value is None or fits(value, shape.shape)
    if isinstance(shape, dict):
        return isinstance(value, dict) and all(
            (key in value or isinstance(each, Maybe)) and fits(value.get(key), each) for key, each in shape.items())
    if isinstance(shape, list):
        return isinstance(value, list) and all(fits(item, shape[0]) for item in value)
    if isinstance(shape, tuple):
        return isinstance(value, list) and len(value) == len(shape) and all(map(fits, value, shape))
    if isinstance(shape, set):
        return isinstance(value, str) and value in shape
    return type(value) is shape if isinstance(shape, type) else bool(shape(value))
