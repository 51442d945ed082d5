"""Programs as Python source: what is run, and what is shown of a program that fails."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping

from .program import BODIES, Block, Bodies, Kind, Program, Step, named_body

INDENT = "    "


class Writer:
    """Writes out the body of one task."""

    def __init__(self, kinds: Mapping[str, Kind], body: int, generator: bool) -> None:
        self._kinds = kinds
        self._body = body
        self._generator = generator
        self._places = 0
        self.lines: list[str] = []

    def write_block(self, block: Block, indent: str) -> None:
        for step in block:
            self.write_step(step, indent)
            if self._generator and indent == INDENT:
                self.lines.append(f"{indent}yield {self._places}")
        if not block:
            self.lines.append(f"{indent}pass")

    def write_step(self, step: Step, indent: str) -> None:
        kind = self._kinds[step.kind]
        if sys.version_info < kind.since:
            self.lines.append(f"{indent}pass")
            return
        self._places += 1
        here = f"'{'generator' if self._generator else 'body'}{self._body}.{self._places}'"
        texts = [self._argument(kind, place, number) for place, number in enumerate(step.numbers)]
        for line in kind.template.strip("\n").split("\n"):
            if match := re.fullmatch(r"( *)BLOCK(\d)", line):
                self.write_block(step.blocks[int(match[2])], indent + match[1])
            else:
                self.lines.append(indent + line.format(*texts, here=here))
        if self._generator and self.lines[-1].lstrip().startswith("return "):
            self.lines[-1] = f"{indent}return"

    def _argument(self, kind: Kind, place: int, number: int) -> str:
        domain = kind.domains[place]
        if isinstance(domain, Bodies):
            return str(named_body(self._body, number))
        return domain.text(number)


def source_of(program: Program, kinds: Iterable[Kind]) -> str:
    """The source of a program: `body0()` is its main task, and of others there is what that leads to."""
    by_name = {kind.name: kind for kind in kinds}
    texts: dict[str, str] = {}
    for number, body in enumerate((*program, ())):
        for word in "body", "generator":
            writer = Writer(by_name, number, word == "generator")
            writer.write_block(body, INDENT)
            if number == BODIES and word == "generator":
                writer.lines = [f"{INDENT}yield 0"]
            texts[f"{word}{number}"] = "\n".join([f"async def {word}{number}():", *writer.lines])
    needed, found = ["body0"], {"body0"}
    for name in needed:
        for word in re.findall(r"\b(?:body|generator)\d\b(?!\.)", texts[name].split("\n", 1)[1]):
            if word not in found:
                found.add(word)
                needed.append(word)
    return "\n\n\n".join(texts[name] for name in sorted(needed)) + "\n"
