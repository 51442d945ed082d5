"""`python -m benchmarks.explore`: which tools find published bugs of asyncio and of libraries, and after how many runs.

The programs are those of `tests/sim/corpus`, unchanged: no tool's own functions are in them. Each tool explores each
program in a process of its own, first as it is by default, then with the settings of its documentation that change how
it searches, or that let time vary. A tool that reports the faulty version is given the mended one as well: a report of
that is a false alarm, and the table says so. The last column is a program without a bug: its result follows from the
order in which asyncio promises to run tasks. Tools that do not keep to that order, as most do on purpose, report it.

With `--network` the programs are clients and servers: redis-py 4.5.1 of the corpus, and those of `benchmarks/networked.py`.
They connect to 127.0.0.1 over the network that each tool simulates, with the latency that it has by default, and with
one of up to half a second, which is as long as the programs' clients wait. simloop has no connections to 127.0.0.1: the
programs run there on a host, and connect to its name. Where both versions of a program end in an error of the tool's
own, the table says "refused".

`python -m pip install '.[explore]'` installs the other tools. Two of them need Python 3.12. All bugs can be had on
Python 3.12, if Python 3.11 and 3.13 are on the same machine.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.metadata
import importlib.util
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import networked
from tests.sim.corpus.bugs import BUGS, Main
from tests.support.paths import ROOT
from tests.support.releases import NotInstalled, install
from tests.support.standard_library import NotHere

PATIENCE = 300.0  # seconds that one tool may take for one program


class Outcome(NamedTuple):
    """What came of exploring."""

    error: BaseException | str | None  # of the run that failed
    made: int  # runs


class Tool(NamedTuple):
    """A tool that explores asyncio programs, with settings."""

    package: str  # to be installed; empty: this project
    explore: Callable[..., Outcome]  # called with: main, runs, **settings
    settings: dict[str, Any]
    command: str = ""  # by which Python is to be started

    @property
    def name(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
        return f"{self.package or 'compat.explore'}{', ' if shown else ''}{shown}"


def ours(main: Main, runs: int) -> Outcome:
    import compat  # here, as each process needs one tool only
    report = compat.explore(main, runs=runs, seed=0)
    first = next(iter(report.failures), None)
    return Outcome(None if first is None else first.error or str(first), report.runs)


def simloom(main: Main, runs: int, latency: tuple[float, float] | None = None, **settings: Any) -> Outcome:
    import simloom  # as above

    async def with_latency(world: Any) -> None:
        least, most = latency or (0.0, 0.0)
        world.net.set_latency(least, most)
        await main()

    # The clock and the random numbers are simulated as well, as by the decorator @simloom.test.
    exploration = simloom.explore(main if latency is None else with_latency, runs=runs, virtual_time=True,
                                  seed_randomness=True, **settings)
    first = exploration.first_failure
    return Outcome(None if first is None else first.error, exploration.runs)


def simloop(main: Main, runs: int, host: str = "", latency: tuple[float, float] | None = None,
            **settings: Any) -> Outcome:
    import simloop  # as above

    async def on_host() -> None:
        networked.HOST = host
        net: Any = asyncio.get_running_loop().net  # type: ignore[attr-defined]  # simloop's
        net.set_defaults(latency=latency)
        await net.host(host).create_task(main())

    report = simloop.explore(on_host if host else main, range(runs), **settings)
    return Outcome(None, runs) if report is None else Outcome(report.exception, report.seeds_passed + 1)


def detangle(main: Main, runs: int, **settings: Any) -> Outcome:
    import detangle  # as above
    try:
        # Without shrinking, which would take half a minute where the failure is that a run does not end.
        explored = detangle.explore(main, runs=runs, seed=0, database=False, shrink=False, **settings)
        return Outcome(None, explored.runs)
    except detangle.BugFound as found:
        return Outcome(found.__cause__ or str(found), found.report.runs)


def frontrun(main: Main, runs: int, **settings: Any) -> Outcome:
    import frontrun  # as above

    async def worker(state: object) -> None:
        await main()

    most = {"max_attempts" if settings.get("strategy") == "random" else "max_executions": runs}

    async def explore() -> Any:
        return await frontrun.explore(setup=lambda: None, workers=[worker], invariant=lambda state: True, **most,
                                      **settings)

    result = asyncio.run(explore())
    if result.property_holds is None:
        raise RuntimeError(result.explanation)
    return Outcome(None if result.property_holds else str(result.explanation), result.num_explored)


async def first_come_first_served() -> None:
    """The program without a bug: customers of a lock are served in the order in which they came."""
    lock, served = asyncio.Lock(), list[int]()

    async def customer(number: int) -> None:
        async with lock:
            served.append(number)
            await asyncio.sleep(0.1)

    await asyncio.gather(*map(customer, range(3)))
    assert served == [0, 1, 2], f"served in another order: {served}"


CONTROLS = first_come_first_served.__name__, networked.CONTROL  # without a bug; the second one has connections

TOOLS = {tool.name: tool for tool in (
    Tool("", ours, {}),
    Tool("simloom", simloom, {}),
    Tool("simloom", simloom, {"scheduler": "pct:auto"}),
    Tool("simloop", simloop, {}),
    Tool("simloop", simloop, {"policy": "pct"}),
    Tool("detangle", detangle, {}),
    # Timers that are up to so late, by a choice of four values. 0.2 is the time that makes 0.3 s meet 0.5 s exactly.
    Tool("detangle", detangle, {"timer_jitter": 0.25}),
    Tool("detangle", detangle, {"timer_jitter": 0.2}),
    Tool("detangle", detangle, {"timer_jitter": 0.2, "reorder": False}),
    Tool("detangle", detangle, {"step_cost": 0.1}),
    Tool("frontrun", frontrun, {}, "frontrun"),
    Tool("frontrun", frontrun, {"clock": "virtual"}, "frontrun"),
    Tool("frontrun", frontrun, {"clock": "explored"}, "frontrun"),
    Tool("frontrun", frontrun, {"clock": "explored", "strategy": "random"}, "frontrun"),
)}

WIDE = (0.0005, 0.5)  # seconds that a packet takes, so that an answer may come after a client's limit

NETWORK_TOOLS = {tool.name: tool for tool in (
    Tool("", ours, {}),
    Tool("simloom", simloom, {}),
    Tool("simloom", simloom, {"scheduler": "pct:auto"}),
    Tool("simloom", simloom, {"latency": WIDE}),
    Tool("simloop", simloop, {"host": "app"}),
    Tool("simloop", simloop, {"host": "app", "latency": (0.001, 0.05)}),
    Tool("simloop", simloop, {"host": "app", "latency": WIDE}),
    Tool("detangle", detangle, {}),
    Tool("detangle", detangle, {"timer_jitter": 0.25}),
    Tool("detangle", detangle, {"net": {"latency": (0.001, 0.05), "fragment": 0.3}}),
    Tool("detangle", detangle, {"net": {"latency": WIDE, "fragment": 0.3}}),
    Tool("frontrun", frontrun, {}, "frontrun"),
    Tool("frontrun", frontrun, {"clock": "explored"}, "frontrun"),
    Tool("frontrun", frontrun, {"clock": "explored", "strategy": "random"}, "frontrun"),
)}
ALL_TOOLS = {**TOOLS, **NETWORK_TOOLS}


def explore_here(tool: Tool, program: str, mended: bool, runs: int) -> None:
    """Explore in this process, and print what came of it as JSON."""
    logging.disable()
    warnings.simplefilter("ignore")
    if program in BUGS:
        main = BUGS[program].program(mended)
    else:
        main = partial(networked.PROGRAMS[program], mended) if program in networked.PROGRAMS else first_come_first_served
    begin = time.perf_counter()
    error, made = tool.explore(main, runs, **tool.settings)
    said = f"{type(error).__name__}: {error}" if isinstance(error, BaseException) else error
    print(json.dumps({"error": said, "made": made, "seconds": time.perf_counter() - begin,
                      "claimed": isinstance(error, AssertionError)}))


def explore_apart(tool: Tool, program: str, mended: bool, runs: int, cache: Path) -> dict[str, Any]:
    """The same in a process of its own. Raises `NotHere` or `NotInstalled` where it cannot be done."""
    bug = BUGS.get(program)
    requirement = "" if bug is None else (bug.mended if mended else bug.faulty).requirement
    folders = [ROOT, install(requirement, cache)] if requirement else [ROOT]
    command = [str(Path(sys.executable).with_name(tool.command))] if tool.command else []
    command += [sys.executable, "-m", "benchmarks.explore", "--one", tool.name, program, "--runs", str(runs)]
    try:
        done = subprocess.run([*command, *(["--mended"] if mended else [])], capture_output=True, text=True,
                              timeout=PATIENCE, cwd=cache,
                              env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))})
    except subprocess.TimeoutExpired:
        raise NotHere(f"stopped after {PATIENCE:g} s") from None
    if done.returncode:
        raise NotHere(done.stderr.strip().rpartition("\n")[2].partition(": ")[2])
    return dict(json.loads(done.stdout))


def cell(tool: Tool, program: str, runs: int, cache: Path) -> str:
    """What the table says of one tool and one program."""
    try:
        result = explore_apart(tool, program, False, runs, cache)
        where = f"{result['made']:,} run{'' if result['made'] == 1 else 's'}, {result['seconds']:.2f} s"
        if result["error"] is None:
            return f"nothing in {where}"
        mended = None if program in CONTROLS else explore_apart(tool, program, True, runs, cache)
        if mended is not None and mended["error"] is None:
            return f"found after {where}"
        if mended is not None and mended["made"] == 1 and mended["error"] == result["error"] and not result["claimed"]:
            return f"refused: {result['error'][:60]}"
        return f"false alarm after {where}"
    except (NotHere, NotInstalled) as reason:
        return f"no result: {str(reason)[:60]}"


def missing(tool: Tool) -> str:
    """Why the tool cannot take part; empty if it can."""
    if not tool.package or importlib.util.find_spec(tool.package) is not None:
        return ""
    return f"{tool.name} is left out, since {tool.package} is not installed: see python -m benchmarks.explore --help"


def programs_here(network: bool) -> dict[str, str]:
    """The programs that this Python can run, by name, each with its title. Says which it cannot, and why."""
    programs = {}
    for bug in BUGS.values():
        if bug.network is not network:
            continue
        try:
            if bug.part:
                bug.program(mended=False)
            programs[bug.name] = bug.published
        except NotHere as reason:
            print(f"{bug.published} is left out: {reason}", file=sys.stderr)
    if network:
        programs.update((name, name.replace("_", " ")) for name in networked.PROGRAMS)
    return {**programs, CONTROLS[network]: "no bug"}


def table(tools: list[Tool], runs: int, network: bool) -> list[list[str]]:
    """The rows of the table, the header first."""
    programs = programs_here(network)
    rows = [["", *programs.values()]]
    with tempfile.TemporaryDirectory() as cache:
        for tool in tools:
            if reason := missing(tool):
                print(reason, file=sys.stderr)
                continue
            version = f" {importlib.metadata.version(tool.package)}" if tool.package else ""
            print(f"{tool.name} ...", file=sys.stderr, flush=True)
            rows.append([tool.name.replace(tool.package, tool.package + version, 1),
                         *(cell(tool, program, runs, Path(cache)) for program in programs)])
    return rows


def markdown(rows: list[list[str]]) -> str:
    """The rows as a table in Markdown, which is aligned as it is."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = [[text.ljust(width) for text, width in zip(row, widths, strict=True)] for row in rows]
    lines = [f"| {' | '.join(row)} |" for row in padded]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.explore", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000, help="at most so many of each program with each tool")
    parser.add_argument("--network", action="store_true", help="programs with connections")
    parser.add_argument("--tools", metavar="TEXT", default="", help="only those with this in their name")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table to this file as well")
    parser.add_argument("--one", nargs=2, metavar=("TOOL", "PROGRAM"), help="explore one, in this process")
    parser.add_argument("--mended", action="store_true", help="with --one: the version without the bug")
    options = parser.parse_args()
    if options.one:
        tool, program = options.one
        return explore_here(ALL_TOOLS[tool], program, options.mended, options.runs)
    tools = NETWORK_TOOLS if options.network else TOOLS
    text = markdown(table([tool for tool in tools.values() if options.tools in tool.name], options.runs, options.network))
    print(text)
    if options.write:
        options.write.write_text(f"{text}\n")


if __name__ == "__main__":
    main()
