"""How the figures are shown: lines for the terminal, a JSON file, Markdown tables and charts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import log, prod
from pathlib import Path

from .contenders import EVERYONE, OURS
from .rows import Row, Spread

RESULTS = Path(__file__).resolve().parent / "results"
PEERS = [contender.name for contender in EVERYONE if contender.name not in OURS]
RATED = ("asyncio", "uvloop")  # the written tables have the ratios to these peers


@dataclass
class Machine:
    """Where and how it was measured."""

    python: str
    system: str
    rounds: int
    date: str
    quick: bool

    @property
    def line(self) -> str:
        quick = "; a quick run, whose figures mean nothing" if self.quick else ""
        return f"{self.python}, {self.system}, {self.rounds} round{'s' if self.rounds > 1 else ''}, {self.date}{quick}"


def noisy(row: Row) -> bool:
    """Whether a ratio in the row has too wide a spread for a verdict."""
    return any(ratio.too_wide for ours in OURS for peer in PEERS if (ratio := row.ratio(ours, peer)) is not None)


def number(value: float) -> str:
    """Three digits or more."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def figure(spread: Spread) -> str:
    return f"{number(spread.median)} ({number(spread.low)}-{number(spread.high)})"


def times(spread: Spread) -> str:
    """A ratio, with a question mark where its spread is too wide for a verdict."""
    return f"{spread.median:.2f}{'?' if spread.too_wide else ''}"


def block(row: Row) -> Iterator[str]:
    """A workload for the terminal: each contender with its figure, its ratios to ours, and what else is known."""
    yield f"{row.name}: {row.title}, {row.unit}"
    for name, values in row.values.items():
        line = f"  {name:<8} {figure(Spread.of(values)):<32}"
        for ours in OURS if name not in OURS else ():
            if (ratio := row.ratio(ours, name)) is not None:
                line += f"{ours} {times(ratio)} ({ratio.low:.2f}-{ratio.high:.2f})   "
        others = [f"{number(Spread.of(others).median)} {what}" for what, others in row.others[name].items()]
        yield (line + ", ".join(others)).rstrip()
    for name, failure in row.failures.items():
        yield f"  {name:<8} failed: {failure}"


def write(stem: Path, machine: Machine, rows: list[Row]) -> list[Path]:
    """Write `<stem>.json` and `<stem>.md`, and return their paths."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    files = [Path(f"{stem}.{suffix}") for suffix in ("json", "md")]
    everything = {"machine": asdict(machine), "rows": [asdict(row) for row in rows]}
    files[0].write_text(json.dumps(everything, indent=1) + "\n")
    files[1].write_text("\n".join(markdown(machine, rows)) + "\n")
    return files


def read(path: Path) -> tuple[Machine, list[Row]]:
    """Read the JSON file that `write` has written; `ValueError` for a file of something else."""
    try:
        everything = json.loads(path.read_text())
        return Machine(**everything["machine"]), [Row(**row) for row in everything["rows"]]
    except (ValueError, LookupError, TypeError) as error:
        raise ValueError(f"{path} has no results that 'python -m benchmarks --write' has written: {error!r}") from error


def draw(stem: Path, machine: Machine, rows: list[Row]) -> list[Path]:
    """Draw `<stem>.svg`, with every row, and `<stem>-families.svg`, and return their paths. matplotlib is needed."""
    from .charts import every_row, families  # here, because the benchmarks run without matplotlib as well

    files = [Path(f"{stem}{suffix}.svg") for suffix in ("", "-families")]
    every_row.draw(rows, machine.line, files[0])
    families.draw(rows, machine.line, files[1])
    return files


def markdown(machine: Machine, rows: list[Row]) -> Iterator[str]:
    yield machine.line + "."
    yield ""
    yield ("Figures are medians; less is better. A ratio is the other's figure divided by ours, formed round by round: "
           "above 1 we are ahead. A question mark: the rounds differ too much for a verdict.")
    for family in dict.fromkeys(row.family for row in rows):
        yield from ["", f"## {family}", ""]
        chosen = [row for row in rows if row.family == family]
        yield from growth(chosen) if family == "growth" else table(chosen)
    failures = [f"- {row.name}, {name}: {failure}" for row in rows for name, failure in row.failures.items()]
    if failures:
        yield from ["", "Failed:", "", *failures]
    disturbed = [row.name for row in rows if row.disturbed]
    if disturbed:
        yield from ["", f"Other programs were at work while these were measured: {', '.join(disturbed)}."]


def table(rows: list[Row]) -> Iterator[str]:
    names = [one.name for one in EVERYONE if any(one.name in row.values for row in rows)]
    pairs = [(ours, peer) for ours in OURS for peer in RATED if any(row.ratio(ours, peer) for row in rows)]
    yield "| " + " | ".join(["workload", "", *names, *(f"{peer} / {ours}" for ours, peer in pairs)]) + " |"
    yield "|---|---" + "|---:" * (len(names) + len(pairs)) + "|"
    for row in rows:
        cells = [number(Spread.of(row.values[name]).median) if name in row.values else "" for name in names]
        ratios = [row.ratio(ours, peer) for ours, peer in pairs]
        cells += ["" if ratio is None else times(ratio) for ratio in ratios]
        yield "| " + " | ".join([row.title, row.unit, *cells]) + " |"
    means = []
    for ours, peer in pairs:
        medians = [ratio.median for row in rows if (ratio := row.ratio(ours, peer)) is not None]
        means.append(f"{prod(medians) ** (1 / len(medians)):.2f}")
    if pairs:
        yield "| " + " | ".join(["geometric mean", "", *("" for _ in names), *means]) + " |"


def growth(rows: list[Row]) -> Iterator[str]:
    """The cost of every step of a crowd's life by the size of the crowd, and its growth from the first to the last."""
    sizes = [int(row.name.partition("-")[2]) for row in rows]
    yield ("ns for a task (and MiB for all), by the number of tasks; the growth from the first to the last, and that "
           "of a logarithm.")
    yield ""
    yield "| step | contender | " + " | ".join(f"{size:,}" for size in sizes) + " | growth | log n |"
    yield "|---|---|" + "---:|" * (len(sizes) + 2)
    complete = [one.name for one in EVERYONE if all(one.name in row.others for row in rows)]
    for step in dict.fromkeys(step for row in rows for name in complete for step in row.others[name]):
        for name in complete:
            medians = [Spread.of(row.others[name][step]).median for row in rows]
            ratio = " |" if step == "MiB" or not medians[0] else (
                f"{medians[-1] / medians[0]:.2f} | {log(sizes[-1]) / log(sizes[0]):.2f}")
            yield f"| {step} | {name} | " + " | ".join(number(one) for one in medians) + f" | {ratio} |"
