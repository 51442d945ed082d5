"""The long chart: every row with its spread, family by family."""

from __future__ import annotations

from math import nan
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from ..contenders import OURS
from ..rows import Row
from .canvas import BAND, PAPER, QUIET, STYLES, axes, canvas, legend, measure, save, say, settings, speed_axis
from .marks import ABOUT, DISTURBED, YARDSTICK, Lane, families, means

TITLE = f"Every row: how many times as fast as {YARDSTICK}"
MARGIN = 10
LANE = 16  # the height of a row
TRACK = 300  # the width of the axis
HEAD = 58  # the height of what is above the lanes of a family: its name, its legend, the axis
GAP = 8  # between a label and the axis
TEXT = 8.5  # the size of the labels


def draw(rows: list[Row], caption: str, path: Path) -> None:
    """Draw the chart of these rows into an SVG file."""
    found = families(rows)
    lanes = [lane for group in found.values() for lane in group]
    speeds = [end for lane in lanes for mark in lane.marks for end in (mark.speed.low, mark.speed.high)]
    notes = [caption, *explain(lanes)]
    with settings():
        left = MARGIN + max([100.0, *(measure(lane.label, TEXT) for lane in lanes)]) + GAP
        width = max([left + TRACK, *(MARGIN + measure(note, 8) for note in notes)]) + MARGIN
        top = 40.0 + 11 * len(notes)
        figure = canvas(width, top + sum(HEAD + LANE * len(group) for group in found.values()) + MARGIN)
        say(figure, MARGIN, 24, TITLE, 13, bold=True)
        for index, note in enumerate(notes):
            say(figure, MARGIN, 42 + 11 * index, note, 8, QUIET)
        for family, group in found.items():
            say(figure, MARGIN, top + 20, family, 11, bold=True)
            say(figure, MARGIN + measure(family, 11, bold=True) + 8, top + 20, ABOUT.get(family, ""), TEXT, QUIET)
            say(figure, left + TRACK, top + 20, "faster →", 9, bold=True, anchor="right")
            made = axes(figure, left, top + HEAD, TRACK, LANE * len(group))
            made.set_ylim(len(group) - 0.5, -0.5)
            speed_axis(made, speeds, size=8)
            label(made, group, left, width)
            mark(made, family, group)
            names = {mean.contender: f"{mean.contender} {mean.speed:.2f}×" for mean in means(group)}
            legend(made, names, MARGIN - left, 15, size=TEXT)
            top += HEAD + LANE * len(group)
        save(figure, path, TITLE)


def explain(lanes: list[Lane]) -> list[str]:
    """What a reader has to know to read the chart."""
    rounds = max((mark.speed.count for lane in lanes for mark in lane.marks), default=0)
    spread = "the middle half of the rounds" if rounds >= 4 else "all rounds, from the slowest to the fastest"
    notes = [
        f"{YARDSTICK}'s figure divided by the contender's, round by round. To the right is faster, or fewer bytes.",
        f"A mark is the median. Its line is {spread}. Hollow: too wide a spread, or too few rounds, for a verdict.",
        "Beside each name: the geometric mean of its marks. No mark: it has nothing of the kind, or was absent."]
    if any(lane.label.endswith(DISTURBED) for lane in lanes):
        notes.append("* Other programs were at work while this was measured.")
    return notes


def label(made: Axes, lanes: list[Lane], left: float, width: float) -> None:
    """Write the rows' labels to the left of the axis, remarks into it, and shade every other row."""
    across = made.get_yaxis_transform()  # x in widths of the axis, y in rows
    for index, lane in enumerate(lanes):
        if index % 2 == 0:
            made.add_patch(Rectangle((-left / TRACK, index - 0.5), width / TRACK, 1, facecolor=BAND, zorder=0,
                                     clip_on=False, transform=across))
        made.text(-GAP / TRACK, index, lane.label, fontsize=TEXT, ha="right", va="center_baseline", transform=across)
        if lane.remark:
            made.text(0.01, index, lane.remark, fontsize=7, color=QUIET, va="center_baseline", transform=across)


def mark(made: Axes, family: str, lanes: list[Lane]) -> None:
    """Draw the marks of each contender, one below the other in each row, always in the same order."""
    names = [mean.contender for mean in means(lanes)]
    for place, name in enumerate(names):
        style, order = STYLES[name], 5 if name in OURS else 4
        offset = 0.78 * ((place + 0.5) / len(names) - 0.5)
        speeds = [(one.speed, index + offset) for index, lane in enumerate(lanes) for one in lane.marks
                  if one.contender == name]
        made.plot([x for speed, _ in speeds for x in (speed.low, speed.high, nan)],
                  [y for _, height in speeds for y in (height, height, nan)],
                  color=style.colour, linewidth=1.1, alpha=0.55, solid_capstyle="butt", zorder=3,
                  gid=f"{family}-{name}-spread")
        for doubtful in (False, True):
            chosen = [(speed.median, height) for speed, height in speeds if speed.too_wide == doubtful]
            if chosen:
                made.plot(*zip(*chosen), linestyle="none", marker=style.shape, markersize=3.6, markeredgewidth=0.8,
                          color=style.colour, markerfacecolor=PAPER if doubtful else style.colour, zorder=order,
                          gid=f"{family}-{name}-{'doubtful' if doubtful else 'sure'}")
