"""Code that counts as a library's."""

from __future__ import annotations

import textwrap
from typing import Any


def library(name: str, source: str, **names: Any) -> Any:
    """The function `call` that `source` defines, in a module called `name`: "asyncio.broken", say."""
    namespace = {"__name__": name, **names}
    exec(compile(textwrap.dedent(source), f"<{name}>", "exec"), namespace)
    return namespace["call"]
