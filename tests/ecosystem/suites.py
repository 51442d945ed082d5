"""The test suites of libraries, unmodified, on asyncio's own loop and on compat's: the same tests have to pass.

    python -m tests.ecosystem.suites [NAME ...] [--quick] [--write FILE] [--cache DIRECTORY]

A suite is taken from the source distribution that the library's authors have published, at the version below, and run
twice by pytest in fresh copies: as it is, and with `--compat-loop`. A test that passes on asyncio and not on compat is
repeated alone, twice on both, and unless it is a matter of chance the exit status is 1. What fails on asyncio, too, for
lack of a network or because the user may read every file, says nothing of loops.

`--quick` leaves out the suites that take over forty seconds. What is downloaded and installed is kept in the cache.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from tests.support.paths import ROOT

SUITE_SECONDS = 400.0  # for one run of a suite
TEST_SECONDS = 60
PROCESSES = 3  # for two processors: much of what the suites do is waiting
REPETITIONS = 2
MOST_REPEATED = 20  # more differences than that are no matter of chance
HEADER = ("Library", "Version", "Passed, failed, skipped on asyncio", "On compat", "Loops: all, compat's", "Seconds",
          "Differences")
LOOPS = re.compile(r"^compat loop: (\d+) event loops were made, (\d+) of them compat's", re.MULTILINE)
OWN_ADDOPTS = "--override-ini=addopts="  # not theirs, which want coverage and more processes
NO_ASYNCIO = ("-p", "no:asyncio")  # they do not use pytest-asyncio, and its warnings would be errors
NO_TRIO = ("-k", "not trio")
FUNCTION_SCOPE = "--override-ini=asyncio_default_fixture_loop_scope=function"  # for the same reason
EAGER = ("expects that descriptors are looked at between any two turns of callbacks; compat's loop runs what is ready "
         "first, for 61 steps at most")

# The tests' own requirements, in one environment for all suites.
REQUIREMENTS = """
    a2wsgi==1.10.10 bcrypt==5.0.0 blockbuster==1.5.29 brotli==1.2.1 chardet==7.7.0 click==8.5.1 cryptography==50.0.2
    freezegun==1.5.5 h2==4.4.1 httptools==0.9.0 httpx2[zstd]==2.16.2 hypothesis==6.170.15 isal==1.9.1
    itsdangerous==2.2.0 Jinja2==3.1.6 mock==5.2.0 opentelemetry-sdk==1.45.2 pkgconfig==1.6.0 proxy.py==2.4.10
    psutil==7.2.2 Pygments==2.21.0 pytest==9.2.0 pytest-cov==7.1.0 pytest-codspeed==5.0.4 pytest-httpbin==2.1.0
    pytest-mock==3.17.0 pytest-timeout==2.4.0 pytest-trio==0.8.0 pytest-xdist==3.8.0 python-dotenv==1.2.4
    python-multipart==0.0.34 python-on-whales==0.81.0 PyYAML==6.0.3 re-assert==1.1.0 rich==15.0.0 setuptools==80.10.2
    setuptools-git==1.2 socksio==1.0.0 trio==0.35.0 trustme==1.2.1 truststore==0.10.5 typeguard==4.6.0
    watchfiles==1.3.0 websockets==17.4 wsproto==1.3.2 zlib-ng==1.1.0 zstandard==0.25.0
""".split()


@dataclass(frozen=True)
class Suite:
    """A library whose tests are run."""

    name: str
    version: str
    arguments: tuple[str, ...]  # of pytest
    slow: bool = False
    exclusions: dict[str, str] = field(default_factory=dict)  # a pattern of tests' names, and why they cannot pass


SUITES = (
    Suite("aiohttp", "3.14.5", (OWN_ADDOPTS, *NO_ASYNCIO, "--aiohttp-fast", "-m",
                                "not dev_mode and not autobahn and not internal", "tests"), slow=True, exclusions={
        r"TestShutdown::test_shutdown_close_websockets$": EAGER,
        r"test_web_functional::test_keepalive_expires_on_time\[pyloop\]$":
            "puts a mock in the place of the running loop's method time; timers of compat go by the kernel's clock",
    }),
    Suite("anyio", "4.16.0", (*NO_ASYNCIO, "-m", "not network", "-k", "not trio and not uvloop"), slow=True),
    Suite("tornado", "6.6.1", (*NO_ASYNCIO, "--log-disable=tornado.access", "tornado/test"), slow=True, exclusions={
        r"TestIOStreamSSL(Context)?::test_inline_read_error$": EAGER,
        r"SimpleHTTPSClientTestCase::test_(error_logging|ssl_(context|options)_handshake_fail)$": EAGER,
    }),
    Suite("pytest-asyncio", "1.5.0", ("tests",), slow=True),
    Suite("aiosmtpd", "1.4.6", (FUNCTION_SCOPE, "-W", "ignore::UserWarning", "aiosmtpd/tests"), slow=True),
    Suite("uvicorn", "0.54.0", (OWN_ADDOPTS, *NO_ASYNCIO, "-n", "4", "tests"), slow=True, exclusions={
        r"test_auto_detection::test_loop_auto$": "asserts that the loop's class is from asyncio or uvloop",
        r"test_get_loop_factory\[asyncio-_UnixSelectorEventLoop\]$": "is named after the loop's class",
    }),
    Suite("starlette", "1.10.0", (*NO_ASYNCIO, *NO_TRIO)),
    Suite("httpx", "0.28.1", (*NO_ASYNCIO, *NO_TRIO, "-m", "not network")),
    Suite("httpcore", "1.0.9", (*NO_ASYNCIO, *NO_TRIO)),
    Suite("hypercorn", "0.18.0", (OWN_ADDOPTS, *NO_TRIO)),
    Suite("asgiref", "3.13.0", ("tests",)),
    Suite("tenacity", "9.2.1", ("tests",)),
    Suite("async-lru", "2.4.0", (OWN_ADDOPTS, FUNCTION_SCOPE, "tests")),
    Suite("janus", "2.0.0", (OWN_ADDOPTS, "tests")),
    Suite("aiofiles", "25.1.0", ("tests",)),
    Suite("aiosqlite", "0.22.1", ("aiosqlite/tests/smoke.py",)),
    Suite("async-timeout", "5.0.1", (OWN_ADDOPTS, "tests")),
    Suite("aiohappyeyeballs", "2.7.1", (OWN_ADDOPTS, "tests")),
)


@dataclass
class Outcome:
    """What became of a test."""

    kind: str  # "passed", "failed" or "skipped"
    file: str  # where it is
    details: str  # of a failure


@dataclass
class Run:
    """What came out of one run of a suite, or of a single test of it."""

    outcomes: dict[str, Outcome]  # by the test's name
    output: str
    seconds: float

    def kind(self, test: str) -> str:
        return self.outcomes[test].kind if test in self.outcomes else "not run"

    def counts(self) -> str:
        found = Counter(outcome.kind for outcome in self.outcomes.values())
        return f"{found['passed']}, {found['failed']}, {found['skipped']}"

    def loops(self) -> tuple[int, int]:
        """How many loops were made, and how many of them were compat's."""
        found = LOOPS.search(self.output)
        return (int(found[1]), int(found[2])) if found else (0, 0)


@dataclass
class Comparison:
    """What a suite says of the two loops."""

    suite: Suite
    stock: Run
    ours: Run
    different: list[str] = field(default_factory=list)
    by_chance: list[str] = field(default_factory=list)
    excluded: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)  # of the comparison itself

    def row(self) -> tuple[str, ...]:
        remarks = [f"`{test}`" for test in self.different] + self.problems
        remarks += [f"by chance: `{test}`" for test in self.by_chance]
        if self.excluded:
            remarks.append(f"{len(self.excluded)} excluded")
        made, ours = self.ours.loops()
        return (self.suite.name, self.suite.version, self.stock.counts(), self.ours.counts(), f"{made}, {ours}",
                f"{self.stock.seconds:.0f}, {self.ours.seconds:.0f}", "; ".join(remarks) or "none")


class Laboratory:
    """The environment that the suites are run in, and their sources; all of it below one directory."""

    def __init__(self, directory: Path) -> None:
        wanted = sorted([*REQUIREMENTS, *(f"{suite.name}=={suite.version}" for suite in SUITES)])
        digest = hashlib.sha256("\n".join([sys.version, str(ROOT), *wanted]).encode()).hexdigest()[:12]
        self._wanted = wanted
        self._directory = directory.resolve()
        self._environment = self._directory / f"environment-{digest}"

    def prepare(self) -> None:
        """Make the environment, unless it is there; raises `CalledProcessError` when something cannot be installed."""
        stamp = self._environment / "ready"
        if not stamp.exists():
            venv.create(self._environment, with_pip=True, clear=True)
            self._pip("install", "--editable", str(ROOT), *self._wanted)
            stamp.touch()

    def _pip(self, *arguments: str) -> None:
        subprocess.run([self._environment / "bin" / "python", "-m", "pip", "-qq", "--disable-pip-version-check",
                        *arguments], check=True, stdin=subprocess.DEVNULL)

    def _source(self, suite: Suite) -> Path:
        """The source distribution, downloaded on first use."""
        name = f"{re.sub('[-_.]+', '_', suite.name)}-{suite.version}.tar.gz"
        archive = self._directory / "sources" / name
        if not archive.exists():
            self._pip("download", "--no-deps", "--no-binary", suite.name, "--dest", str(archive.parent),
                      f"{suite.name}=={suite.version}")
        return archive

    def run(self, suite: Suite, ours: bool, selected: tuple[str, ...] = ()) -> Run:
        """Run a suite, or the tests `selected`, in a fresh copy."""
        with tempfile.TemporaryDirectory() as directory:
            with tarfile.open(self._source(suite)) as archive:
                archive.extractall(directory, filter="data")
            [tree] = Path(directory).iterdir()
            result, output = Path(directory, "result.xml"), Path(directory, "output")
            options = suite.arguments
            if selected:  # in the place of the paths, of which only the last argument is one
                options = (*(options[:-1] if (tree / options[-1]).exists() else options), *selected)
            command = [str(self._environment / "bin" / "pytest"), *(["--compat-loop"] if ours else []), "-p",
                       "no:cacheprovider", f"--timeout={TEST_SECONDS}", "--override-ini=junit_family=xunit1",
                       f"--junit-xml={result}", *options]
            begin = time.monotonic()
            with output.open("w") as file:
                process = subprocess.Popen(command, cwd=tree, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                           start_new_session=True)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(SUITE_SECONDS)
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # it, or what it has left behind
                process.wait()
            outcomes = read(result) if result.exists() else {}
            return Run(outcomes, output.read_text(errors="replace"), time.monotonic() - begin)

    def compare(self, suite: Suite) -> Comparison:
        stock, ours = self.run(suite, ours=False), self.run(suite, ours=True)
        comparison = Comparison(suite, stock, ours)
        for which, run in ("asyncio", stock), ("compat", ours):
            if not any(outcome.kind == "passed" for outcome in run.outcomes.values()):
                comparison.problems.append(f"nothing has passed on {which}: {run.output[-300:]}")
        if not ours.loops()[1]:
            comparison.problems.append("nothing was run on compat's loop")
        suspects = []
        for test in [test for test in stock.outcomes if stock.kind(test) == "passed"]:
            excluded = any(re.search(pattern, test) for pattern in suite.exclusions)
            if ours.kind(test) == "passed":
                if excluded:
                    comparison.problems.append(f"is excluded but passes: `{test}`")
            elif excluded:
                comparison.excluded.append(test)
            else:
                suspects.append(test)
        for test in suspects:
            if len(suspects) <= MOST_REPEATED and self._is_chance(comparison, test):
                comparison.by_chance.append(test)
            else:
                comparison.different.append(test)
        return comparison

    def _is_chance(self, comparison: Comparison, test: str) -> bool:
        """Whether, alone, the test passes each time on compat's loop, or does not on asyncio's either."""
        selected = (node(test, comparison.stock.outcomes[test].file),)
        ours = [self.run(comparison.suite, True, selected).kind(test) for _ in range(REPETITIONS)]
        stock = [self.run(comparison.suite, False, selected).kind(test) for _ in range(REPETITIONS)]
        return set(ours) == {"passed"} or "failed" in stock


def read(result: Path) -> dict[str, Outcome]:
    """The outcomes by test; one that also fails at its end, or in a part of it, has failed."""
    outcomes: dict[str, Outcome] = {}
    for case in ElementTree.parse(result).iter("testcase"):
        test = f"{case.get('classname')}::{case.get('name')}"
        details = "\n".join(child.text or "" for child in case if child.tag in ("failure", "error"))
        kind = "failed" if details else "passed" if case.find("skipped") is None else "skipped"
        if test not in outcomes or outcomes[test].kind != "failed":
            outcomes[test] = Outcome(kind, case.get("file", ""), details)
    return outcomes


def node(test: str, file: str) -> str:
    """The name by which pytest selects a test: its file, and the classes that it is in."""
    dotted, name = test.split("::", 1)
    module = file.removesuffix(".py").replace("/", ".")
    classes = dotted.removeprefix(module).strip(".").split(".")
    return "::".join([file, *filter(None, classes), name])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.ecosystem.suites", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these libraries")
    parser.add_argument("--quick", action="store_true", help="leave out the slow suites")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table to FILE as well")
    parser.add_argument("--cache", type=Path, metavar="DIRECTORY", default=ROOT / ".venv-suites")
    options = parser.parse_args()
    if unknown := set(options.names) - {suite.name for suite in SUITES}:
        parser.error(f"no such suites: {', '.join(sorted(unknown))}")
    chosen = [suite for suite in SUITES
              if (suite.name in options.names if options.names else not (options.quick and suite.slow))]
    laboratory = Laboratory(options.cache)
    laboratory.prepare()
    rows = [HEADER, tuple("---" for _ in HEADER)]
    failed = False
    with ThreadPoolExecutor(PROCESSES) as pool:
        futures = [pool.submit(laboratory.compare, suite) for suite in chosen]
        for future in futures:
            comparison = future.result()
            rows.append(comparison.row())
            failed = failed or bool(comparison.different or comparison.problems)
            print(line(rows[-1]), flush=True)
            for test in comparison.different + comparison.by_chance:
                if test in comparison.ours.outcomes:
                    print(f"\n{test}:\n{comparison.ours.outcomes[test].details}\n", flush=True)
    table = "".join(line(row) + "\n" for row in rows)
    print(f"\n{table}")
    if options.write:
        options.write.write_text(table)
    sys.exit(failed)


def line(row: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |"


if __name__ == "__main__":
    main()
