"""The small chart: the mean of each family, for whoever has five seconds."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes

from ..contenders import OURS
from ..rows import Row
from .canvas import PAPER, QUIET, STYLES, axes, canvas, legend, measure, save, say, settings, speed_axis
from .marks import ABOUT, YARDSTICK, Mean, families, means

TITLE = f"How many times as fast as {YARDSTICK}?"
MARGIN = 14
LANE = 50  # the height of a family
TRACK = 310  # the width of the axis
HEAD = 92  # the height of what is above the lanes: the title, the legend, the axis
LINES = {name: line for line, name in enumerate(OURS)}  # ours have a line each, and the others share the last


def draw(rows: list[Row], caption: str, path: Path) -> None:
    """Draw the chart of these rows into an SVG file."""
    found = families(rows)
    groups = {family: means(lanes) for family, lanes in found.items()}
    present = [mean.contender for mean in means([lane for lanes in found.values() for lane in lanes])]
    notes = ["Geometric means. kernel and compat are this project: its own tasks, and asyncio programs on it.", caption]
    with settings():
        left = MARGIN + max([100.0, *(measure(family, 13, bold=True) for family in groups),
                             *(measure(ABOUT.get(family, ""), 9) for family in groups)]) + 14
        # Two margins: the number beside the fastest mark needs room.
        width = max([left + TRACK, *(MARGIN + measure(note, 8.5) for note in notes)]) + 2 * MARGIN
        height = LANE * max(len(groups), 1)
        figure = canvas(width, HEAD + height + 44)
        say(figure, MARGIN, 30, TITLE, 16, bold=True)
        say(figure, width - MARGIN, 63, "faster →", 13, bold=True, anchor="right")
        for index, family in enumerate(groups):
            say(figure, MARGIN, HEAD + LANE * index + 23, family, 13, bold=True)
            say(figure, MARGIN, HEAD + LANE * index + 36, ABOUT.get(family, ""), 9, QUIET)
        for index, note in enumerate(notes):
            say(figure, MARGIN, HEAD + height + 20 + 12 * index, note, 8.5, QUIET)
        made = axes(figure, left, HEAD, TRACK, height)
        made.set_ylim(height / LANE - 0.5, -0.5)
        speed_axis(made, [reach(mean) for group in groups.values() for mean in group], size=11)
        legend(made, {name: name for name in present}, MARGIN - left, 26, size=12,
               hollow=[name for name in present if name not in OURS])
        for index, (family, group) in enumerate(groups.items()):
            for mean in group:
                mark(made, family, index, mean)
        save(figure, path, TITLE)


def reach(mean: Mean) -> float:
    """How far the axis has to reach. One of ours that is slower has its number to the left of its mark."""
    return mean.speed / 1.25 if mean.speed < 1 and mean.contender in OURS else mean.speed


def mark(made: Axes, family: str, index: int, mean: Mean) -> None:
    """Draw a mean. One of ours has a bar from asyncio to it, and its number."""
    style, own = STYLES[mean.contender], mean.contender in OURS
    height = index + 0.29 * (LINES.get(mean.contender, len(OURS)) - 1)
    made.plot([mean.speed], [height], linestyle="none", marker=style.shape, markersize=10 if own else 7,
              color=style.colour, markerfacecolor=style.colour if own else PAPER, gid=f"{family}-{mean.contender}")
    if own:
        made.plot([1, mean.speed], [height, height], color=style.colour, linewidth=4, solid_capstyle="butt")
        side, anchor = (8, "left") if mean.speed >= 1 else (-8, "right")
        made.annotate(f"{mean.speed:.2f}", (mean.speed, height), (side, 0), textcoords="offset points", fontsize=10,
                      color=style.colour, fontweight="bold", ha=anchor, va="center_baseline")
