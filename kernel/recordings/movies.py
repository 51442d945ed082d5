"""The movie: a page on which one watches the trampoline run. All that it needs is in one file, also what it shows.

The page's own parts are the files of `page/`: `movie.html`, `*.css`, and modules of JavaScript (`*.mjs`), which are
written for a reader and for `node --test`. Here they are put together, with the recording as JSON.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from typing import Any

from .moments import CLOCK, DEADLOCK, EXIT, IDLE, OF_NETWORKS, THING
from .reading import Recording

FORMAT = 1  # of what is in the page; page/recording.mjs reads it
MOST_MOMENTS = 1_000_000  # that a page shows: more make it slow to open
STYLES = "base.css", "panels.css", "stage.css", "network.css", "strip.css", "narrow.css"
_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./(\w+)\.mjs";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?:(?:class|function) ([\w$]+)|const ([^;]*))", re.MULTILINE)
_NAME = re.compile(r"(?:^|,\s+)([\w$]+) = ")
_OF_KERNELS = OF_NETWORKS | {CLOCK, THING, IDLE, DEADLOCK}


def movie(recording: Recording) -> str:
    """The page, as HTML. It loads nothing from anywhere, and the browser is told not to let it."""
    style, script = "\n".join(map(_part, STYLES)), _script("main", [])
    text = json.dumps(movie_data(recording), separators=(",", ":"))
    parts = {"title": _escaped(_title(recording)), "style": style, "script": script, "style-hash": _hash(style),
             "script-hash": _hash(script), "data": text.replace("<", "\\u003c")}
    return re.sub(r"\{\{([a-z-]+)\}\}", lambda found: parts[found[1]], _part("movie.html"))


def movie_data(recording: Recording) -> dict[str, Any]:
    """What the page knows of the recording. Moments are columns of integers, which are shorter and quicker to read."""
    moments = [moment for moment in recording.moments if moment.kind <= EXIT or moment.kind in _OF_KERNELS]
    shown = moments[:MOST_MOMENTS]
    before, times = 0, []
    for moment in shown:
        times.append(moment.time - before)
        before = moment.time
    columns = list(zip(*shown)) or [()] * 7
    header = recording.header
    return {
        "format": FORMAT,
        "title": _title(recording),
        "begin": header["begin"], "data": bool(header.get("data", True)), "python": str(header.get("python", "")),
        "end": recording.end, "damage": recording.damage, "total": len(moments),
        "kernels": list(recording.kernels.values()),
        "tasks": list(recording.tasks.values()),
        "stacks": recording.stacks, "sources": recording.sources,
        "requests": [{**request, "request": number} for number, request in _in_order(recording.requests)],
        "causes": {number: _cause(recording, number) for number in recording.causes},
        "texts": dict(_in_order(recording.texts)), "things": list(recording.things.values()), "states": list(recording.states.values()),
        "deadlocks": recording.deadlocks,
        **({"hosts": list(recording.hosts.values()), "packets": list(recording.packets.values())}
           if recording.hosts else {}),
        "moments": {"kind": columns[0], "passed": times, "task": columns[2], "first": columns[3], "second": columns[4],
                    "third": columns[5], "fourth": columns[6]},
    }


def _in_order(table: dict[int, Any]) -> list[tuple[int, Any]]:
    """A table by its numbers: the order of the lines in a file depends on when the lines were written."""
    return sorted(table.items())


def _cause(recording: Recording, number: int) -> dict[str, Any]:
    """A cause in words; and if a task has left a callback that was it, that task, and what the callback calls."""
    cause = recording.causes[number]
    first, left = number, len(recording.causes)
    while first in recording.causes and "by" in recording.causes[first] and left:  # a file may lead around in a circle
        first, left = recording.causes[first]["by"], left - 1
    if first >= 0:
        return {"text": recording.cause(number) if left else cause["text"]}
    private = cause["text"].rpartition(".")[2].startswith("_")
    return {"text": recording.cause(number), "task": -first, **({} if private else {"call": cause["text"]})}


def _title(recording: Recording) -> str:
    """The name of the program: that of its file, or of what it was started as."""
    arguments = [str(argument) for argument in recording.header.get("argv") or ()]
    scripts = [argument for argument in arguments[1:] if argument.endswith(".py")]
    program = (scripts or arguments or [""])[0]
    return program.rpartition("/")[2] or "a program"


def _part(name: str) -> str:
    return files(__package__).joinpath("page", name).read_text("utf-8")


def _script(name: str, taken: list[str]) -> str:
    """A module as a function that is called once, and before it all that it imports, which are constants then."""
    taken.append(name)
    text = _part(f"{name}.mjs")
    before = "".join(_script(other, taken) for _, other in _IMPORT.findall(text) if other not in taken)
    exported = [found for one, several in _EXPORT.findall(text) for found in ([one] if one else _NAME.findall(several))]
    text = _IMPORT.sub(r"const {\1} = $\2;", text)
    text = re.sub(r"^export ", "", text, flags=re.MULTILINE)
    return f"{before}const ${name} = (() => {{\n{text}return {{ {', '.join(exported)} }};\n}})();\n"


def _hash(text: str) -> str:
    """By which the browser knows the page's own script and style, and refuses any other."""
    return b64encode(sha256(text.encode()).digest()).decode()


def _escaped(text: str) -> str:
    text = text.encode("utf-8", "replace").decode()  # the name of a file need not be valid Unicode
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
