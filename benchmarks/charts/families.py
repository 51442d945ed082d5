"""The small chart: the mean of each family, for whoever has five seconds."""

from __future__ import annotations

from pathlib import Path

from ..contenders import OURS
from ..rows import Row
from .canvas import PAPER, QUIET, STYLES, axes, canvas, legend, measure, save, say, settings, speed_axis
from .marks import ABOUT, YARDSTICK, families, means

TITLE = f"How many times as fast as {YARDSTICK}?"
MARGIN = 14
LANE = 50  # the height of a family
TRACK = 310  # the width of the axis
HEAD = 92  # the height of what is above the lanes: the title, the legend, the axis
LINES = {name: line for line, name in enumerate(OURS)}  # ours have a line each, and the others share the last


def draw(rows: list[Row], caption: str, path: Path) -> None:
    """Draw the chart of these rows into an SVG file."""
    found = {family: means(lanes) for family, lanes in families(rows).items()}
    present = dict.fromkeys(mean.contender for group in found.values() for mean in group)
    peers = [name for name in present if name not in OURS]
    notes = ["Geometric means. kernel and compat are this project: its own tasks, and asyncio programs on it.", caption]
    with settings():
        left = MARGIN + max([100.0, *(measure(family, 13, bold=True) for family in found),
                             *(measure(ABOUT.get(family, ""), 9) for family in found)]) + 14
        # Two margins: the number beside the fastest mark needs room.
        width = max([left + TRACK, *(MARGIN + measure(note, 8.5) for note in notes)]) + 2 * MARGIN
        lanes = max(len(found), 1)
        bottom = HEAD + LANE * lanes
        figure = canvas(width, bottom + 44)
        say(figure, MARGIN, 30, TITLE, 16, bold=True)
        say(figure, width - MARGIN, 63, "faster →", 13, bold=True, anchor="right")
        for index, note in enumerate(notes):
            say(figure, MARGIN, bottom + 20 + 12 * index, note, 8.5, QUIET)
        made = axes(figure, left, HEAD, TRACK, LANE * lanes)
        made.set_ylim(lanes - 0.5, -0.5)
        # A number to the left of its mark needs room there.
        speed_axis(made, [mean.speed / 1.25 if mean.speed < 1 and mean.contender in OURS else mean.speed
                          for group in found.values() for mean in group], size=11)
        legend(made, {name: name for name in present}, MARGIN - left, 26, size=12, hollow=peers)
        for index, (family, group) in enumerate(found.items()):
            say(figure, MARGIN, HEAD + LANE * index + 23, family, 13, bold=True)
            say(figure, MARGIN, HEAD + LANE * index + 36, ABOUT.get(family, ""), 9, QUIET)
            for mean in group:
                style, own = STYLES[mean.contender], mean.contender in OURS
                height = index + 0.29 * (LINES.get(mean.contender, len(OURS)) - 1)
                made.plot([mean.speed], [height], linestyle="none", marker=style.shape, markersize=10 if own else 7,
                          color=style.colour, markerfacecolor=style.colour if own else PAPER,
                          gid=f"{family}-{mean.contender}")
                if own:
                    made.plot([1, mean.speed], [height, height], color=style.colour, linewidth=4, solid_capstyle="butt")
                    side, anchor = (8, "left") if mean.speed >= 1 else (-8, "right")
                    made.annotate(f"{mean.speed:.2f}", (mean.speed, height), (side, 0), textcoords="offset points",
                                  fontsize=10, color=style.colour, fontweight="bold", ha=anchor, va="center_baseline")
        save(figure, path, TITLE)
