"""A circle of waits, drawn for a terminal: the tasks in a column, and between two of them what the upper one waits for.

    ┌─► task 3 'Ann to Bob'
    │     │ waits for a Lock, held by
    │     ▼
    │   task 4 'Bob to Ann'
    │     │ waits for a Lock, held by
    └─────┘
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

MOST = 8  # tasks of a circle that are drawn
AT_THE_END = 3  # so many of them are the last ones, where the circle is longer

BARS = "▁▂▃▄▅▆▇█"  # from low to high

_DRAWN = "┌─►│▼└┘µ" + BARS
_ASCII = str.maketrans(_DRAWN, "+->|v++u" + "_.:-=+*#")


def circle_lines(links: Sequence[tuple[str, str]]) -> Iterator[str]:
    """The lines of the drawing. Each link is a task, and the words that say why it waits for the next one."""
    skipped = len(links) - MOST + 1 if len(links) > MOST else 0  # one row says how many
    first_skipped = MOST - 1 - AT_THE_END
    for place, (task, wait) in enumerate(links):
        if first_skipped < place < first_skipped + skipped:
            continue
        if skipped and place == first_skipped:
            task, wait = f"... {skipped:,} more ...", ""
        yield ("┌─► " if place == 0 else "│   ") + task
        yield f"│     │ {wait}".rstrip()
        if place < len(links) - 1:
            yield "│     ▼"
    yield "└─────┘"


def fitted(text: str, encoding: str | None) -> str:
    """`text` as a stream of that encoding can take it: without the characters of drawings if it has none of them."""
    encoding = encoding or "utf-8"
    try:
        _DRAWN.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate(_ASCII)
    except LookupError:  # a stream of the program's own make
        encoding = "ascii"
        text = text.translate(_ASCII)
    return text.encode(encoding, "backslashreplace").decode(encoding)
