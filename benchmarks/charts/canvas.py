"""What the charts have in common: colours and shapes, the axis, and how a figure becomes a file.

Lengths are in points. A figure has 72 dots to the inch, so that a dot is a point.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from math import ceil, floor, log2
from pathlib import Path
from typing import NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import TextPath

from .marks import YARDSTICK

INK, QUIET, RULE, BAND, PAPER = "#1f2328", "#59636e", "#d1d9e0", "#f3f5f7", "#ffffff"


class Style(NamedTuple):
    """How a contender's marks look: a colour that the colour-blind can tell (after Okabe and Ito), and a shape."""

    colour: str
    shape: str


STYLES = {
    "kernel": Style("#0072b2", "o"),
    "compat": Style("#009e73", "D"),
    "uvloop": Style("#d55e00", "^"),
    "rloop": Style("#cc79a7", "v"),
    "trio": Style("#6b7280", "s"),
    "curio": Style("#e69f00", "P"),
}


@contextmanager
def settings() -> Iterator[None]:
    """matplotlib with its own defaults and ours, whatever the user's matplotlibrc says."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        # Text stays text, and the reader's browser has its own fonts. The labels are measured
        # in DejaVu Sans, which is as wide as Verdana and wider than the other fonts of browsers.
        matplotlib.rc("font", family="sans-serif", **{"sans-serif": ["DejaVu Sans", "Verdana"]})
        matplotlib.rc("text", parse_math=False)  # a dollar is a dollar
        matplotlib.rc("svg", fonttype="none", hashsalt="benchmarks")  # a fixed salt: the same figures make one file
        matplotlib.rc("path", simplify=False)
        yield


def canvas(width: float, height: float) -> Figure:
    return Figure(figsize=(ceil(width) / 72, ceil(height) / 72), dpi=72, facecolor=PAPER)


def save(figure: Figure, path: Path, title: str) -> None:
    # The date and matplotlib's version would differ each time.
    figure.savefig(path, format="svg", metadata={"Title": title, "Date": None, "Creator": None})


def say(figure: Figure, x: float, y: float, words: str, size: float, colour: str = INK, bold: bool = False,
        anchor: str = "left") -> None:
    """Write words on the figure; `y` is the distance of their baseline from the top."""
    width, height = figure.get_size_inches() * 72
    figure.text(x / width, 1 - y / height, words, fontsize=size, color=colour, ha=anchor, va="baseline",
                fontweight="bold" if bold else "normal")


def axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes at a distance from the left and from the top of the figure, without a frame."""
    across, down = figure.get_size_inches() * 72
    made = figure.add_axes((left / across, 1 - (top + height) / down, width / across, height / down))
    made.set_facecolor("none")
    for spine in made.spines.values():
        spine.set_visible(False)
    return made


def speed_axis(made: Axes, speeds: Iterable[float], size: float) -> None:
    """The logarithmic axis that has all these speeds, a line for each doubling, and a strong one for asyncio."""
    found = [1.0, *speeds]
    made.set_xscale("log", base=2)
    made.set_xlim(min(found) * 0.88, max(found) * 1.14)
    ticks = [2.0 ** power for power in range(ceil(log2(made.get_xlim()[0])), floor(log2(made.get_xlim()[1])) + 1)]
    made.set_xticks(ticks, [YARDSTICK if tick == 1 else f"{tick:g}×" for tick in ticks])
    made.minorticks_off()
    made.tick_params(axis="x", length=0, labeltop=True, labelbottom=False, labelsize=size, labelcolor=QUIET, pad=2)
    made.get_xticklabels()[ticks.index(1)].set(color=INK, fontweight="bold")
    made.set_yticks([])
    for tick in ticks:
        made.axvline(tick, color=INK if tick == 1 else RULE, linewidth=1.2 if tick == 1 else 0.6, zorder=1)


def measure(words: str, size: float, bold: bool = False) -> float:
    """The width of words in DejaVu Sans."""
    properties = FontProperties(family="sans-serif", weight="bold" if bold else "normal")
    return float(TextPath((0, 0), words, size=size, prop=properties).get_extents().width) if words.strip() else 0.0


def legend(made: Axes, names: dict[str, str], x: float, y: float, size: float, hollow: Container[str] = ()) -> None:
    """A legend in one line, its lower left corner at (x, y) points from the upper left corner of the axes."""
    if not names:
        return
    box = made.get_window_extent()
    samples = [Line2D([], [], linestyle="none", marker=style.shape, markersize=size * 0.6, color=style.colour,
                      markerfacecolor=PAPER if name in hollow else style.colour)
               for name in names for style in [STYLES[name]]]
    made.legend(samples, list(names.values()), loc="lower left", bbox_to_anchor=(x / box.width, 1 + y / box.height),
                ncols=len(names), fontsize=size, frameon=False, borderpad=0, borderaxespad=0, handletextpad=0.3,
                handlelength=1, columnspacing=1.4)
