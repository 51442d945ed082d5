"""What a tool may ask for: a request that can be refused, and a stream, whose answer goes on until the tool goes."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any


class Refused(Exception):
    """A request that cannot be answered; the message says why."""


def checked(request: Mapping[str, Any], name: str, kind: type, default: Any) -> Any:
    """The value of `name` in a request, if it is of the type that it should be."""
    value = request.get(name, default)
    if value is not default and not isinstance(value, kind):
        raise Refused(f"{name!r} has to be of type {kind.__name__}, and is {value!r:.100}")
    return value


class Stream(ABC):
    """What is sent to a tool as things happen."""

    due = math.inf  # when there will be something to take that nobody is told of, by `time.monotonic`

    @abstractmethod
    def take(self) -> str:
        """What has come since the last time."""

    def hear(self, data: bytes) -> None:
        """Take what the tool says meanwhile. By default that means nothing."""

    @abstractmethod
    def end(self) -> str:
        """Stop, and leave the program as it was; return what is still to be sent."""
