"""What docs/design.md shows is what happens."""

from __future__ import annotations

import operator
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import kernel.checks
from tests.support.paths import ROOT

DESIGN = (ROOT / "docs" / "design.md").read_text()


def test_the_new_syscall(tmp_path: Path) -> None:
    program, told = re.findall(r"```python\n(.*?)```.*?The program prints:\n\n((?:    [^\n]*\n)+)", DESIGN, re.DOTALL)[0]
    (tmp_path / "gate.py").write_text(program)
    done = subprocess.run([sys.executable, "gate.py"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
                          capture_output=True, text=True, timeout=30)
    printed = done.stdout.replace(f"{tmp_path}{os.sep}", "")
    assert (done.returncode, done.stderr, printed) == (0, "", re.sub("^    ", "", told, flags=re.MULTILINE))


def test_what_a_syscall_may_use_exists() -> None:
    table = re.search(r"## What a syscall may use\n(.*?)\n\nSome parts", DESIGN, re.DOTALL)
    assert table is not None
    cells = "\n".join(re.findall(r"^\| (`[^|]+) \|", table[1], re.MULTILINE))
    names = re.findall(r"`([A-Za-z_.]+)(?:\([^)]*\))?`", cells)
    assert len(names) > 20
    mailbox = kernel.Waitable[None]()
    with kernel.Kernel() as one:
        objects = {"kernel": one, "task": one.spawn(mailbox.__await__()), "Syscall": kernel.Syscall,
                   "Waitable": kernel.Waitable, "checks": kernel.checks}
        for name in names:
            first, _, rest = name.partition(".")
            operator.attrgetter(rest or first)(objects[first] if rest else kernel.checks)  # raises AttributeError


def test_the_links() -> None:
    links = re.findall(r"\]\(([^)]+)\)", DESIGN)
    assert "floors.svg" in links and "task-states.svg" in links
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


def test_the_pictures_stand_alone() -> None:
    for name in ("floors.svg", "task-states.svg"):
        text = (ROOT / "docs" / name).read_text()
        tags = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(text).iter()}
        assert tags >= {"svg", "title", "desc", "text"} and not tags & {"script", "image", "foreignObject"}
