"""Reading the SVG files that matplotlib writes: the words of a picture, and where its marks are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import log2
from pathlib import Path
from xml.etree import ElementTree

SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"


@dataclass
class Words:
    """A text of the picture, and the point at its start, middle or end."""

    text: str
    anchor: str
    x: float
    y: float


class Picture:
    def __init__(self, path: Path) -> None:
        self.root = ElementTree.parse(path).getroot()
        self.width, self.height = (float(size) for size in self.root.attrib["viewBox"].split()[2:])
        self.words = list(words(self.root))

    @property
    def texts(self) -> list[str]:
        return [one.text for one in self.words]

    def groups(self) -> dict[str, ElementTree.Element]:
        """The groups by their names; those that matplotlib names itself, such as `line2d_12`, are left out."""
        return {name: group for group in self.root.iter(f"{SVG}g")
                if (name := group.get("id")) and not re.fullmatch(r"[\w.]+_\d+", name)}

    def legends(self) -> list[list[str]]:
        """The entries of each legend."""
        return [[one.text for one in words(group)] for group in self.root.iter(f"{SVG}g")
                if re.fullmatch(r"legend_\d+", group.get("id", ""))]

    def ratio(self, x: float) -> float:
        """What a place on the axis means, by two of the words at its top."""
        one = next(word.x for word in self.words if word.text == "asyncio" and word.anchor == "middle")
        other, name = next((word.x, word.text) for word in self.words
                           if re.fullmatch(r"[\d.]+×", word.text) and word.anchor == "middle")
        return float(2.0 ** (log2(float(name[:-1])) * (x - one) / (other - one)))


def words(group: ElementTree.Element) -> Iterator[Words]:
    for one in group.iter(f"{SVG}text"):
        style = one.get("style", "")
        anchor = found[1] if (found := re.search(r"text-anchor: (\w+)", style)) else "start"
        x, y = one.get("x"), one.get("y")
        if x is None or y is None:  # a text without an anchor has its place in its transformation
            x, y = re.findall(r"translate\(([-\d.]+) ([-\d.]+)\)", one.get("transform", ""))[0]
        yield Words("".join(one.itertext()), anchor, float(x), float(y))


def points(group: ElementTree.Element) -> list[tuple[float, float]]:
    """Where a group has its marks."""
    return [(float(use.attrib["x"]), float(use.attrib["y"])) for use in group.iter(f"{SVG}use") if LINK in use.attrib]


def lines(group: ElementTree.Element) -> list[tuple[float, float]]:
    """From where to where the lines of a group go, from left to right."""
    found = []
    for path in group.iter(f"{SVG}path"):
        found += [(float(start), float(end)) for start, end in
                  re.findall(r"M ([-\d.]+) [-\d.]+\s+L ([-\d.]+) [-\d.]+", path.attrib["d"])]
    return found
