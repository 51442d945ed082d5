"""The chart: how many times as fast as asyncio each contender is, as SVG."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from math import log2

from .rows import Row

SHOWN = {"kernel": "#1b7f5c", "compat": "#57b894", "uvloop": "#d08c2f", "rloop": "#a66bb5", "trio": "#8a8f98"}
YARDSTICK = "asyncio"
LABELS = 300  # pixels for the titles
DOUBLING = 110  # pixels for a factor of two
BAR = 8  # pixels
LEAST, MOST = 0.25, 16.0  # the ends of the axis, which is logarithmic


def position(ratio: float) -> float:
    """Where a ratio is on the axis."""
    return LABELS + DOUBLING * log2(min(max(ratio, LEAST), MOST) / LEAST)


def draw(rows: list[Row], caption: str) -> str:
    """Draw a group of bars for each workload that asyncio and another contender have done. To the right is faster."""
    lines: list[str] = []
    top = 56.0
    family = ""
    for row in rows:
        bars = [(name, ratio.median) for name in SHOWN if (ratio := row.ratio(name, YARDSTICK)) is not None]
        if not bars:
            continue
        if row.family != family:
            family = row.family
            lines.append(text(8, top + 14, family, "bold"))
            top += 24
        lines.append(text(LABELS - 8, top + len(bars) * BAR / 2 + 4, row.title, anchor="end"))
        for name, speed in bars:
            start, end = sorted((position(1.0), position(speed)))
            lines.append(f'<rect x="{start:.1f}" y="{top:.1f}" width="{max(end - start, 1):.1f}" height="{BAR - 1}" '
                         f'fill="{SHOWN[name]}"><title>{name}: {speed:.2f}</title></rect>')
            top += BAR
        top += 8
    width, height = position(MOST) + 40, top + 24
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        'font-family="sans-serif" font-size="12">', f'<rect width="{width:.0f}" height="{height:.0f}" fill="white"/>',
        *frame(top, caption), *lines, "</svg>", ""])


def frame(bottom: float, caption: str) -> Iterator[str]:
    """The caption, the legend and the axis."""
    yield text(8, 16, f"How many times as fast as {YARDSTICK} ({caption})")
    for index, (name, colour) in enumerate(SHOWN.items()):
        yield f'<rect x="{8 + 90 * index}" y="28" width="10" height="10" fill="{colour}"/>'
        yield text(22 + 90 * index, 38, name)
    mark = LEAST
    while mark <= MOST:
        x = position(mark)
        colour = "#444" if mark == 1 else "#ddd"
        yield f'<line x1="{x:.1f}" y1="48" x2="{x:.1f}" y2="{bottom:.1f}" stroke="{colour}"/>'
        yield text(x, bottom + 14, f"{mark:g}", anchor="middle")
        mark *= 2


def text(x: float, y: float, words: str, weight: str = "normal", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-weight="{weight}" text-anchor="{anchor}">{escape(words)}</text>'
