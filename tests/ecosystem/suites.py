"""The test suites of libraries, unmodified, on asyncio's own loop and on compat's: the same tests have to pass.

    python -m tests.ecosystem.suites [NAME ...] [--quick] [--write FILE] [--cache DIRECTORY]

A suite is taken from the source distribution that the library's authors have published, at the version below, and run
twice by pytest in fresh copies: as it is, and with `--compat-loop`. A test that passes on asyncio and fails on compat is
repeated alone, twice on both, and unless it is a matter of chance the exit status is 1. What fails on asyncio, too, for
lack of a network or because the machine's user may read every file, says nothing about loops.

`--quick` leaves out the suites that take over forty seconds. Whatever is downloaded and installed is kept in the cache.
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
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
SUITE_SECONDS = 600.0  # for one run of one suite
TEST_SECONDS = 60
PROCESSES = 2
REPETITIONS = 2
MOST_REPEATED = 10  # more differences than that are no matter of chance
HEADER = ("Library", "Version", "On asyncio", "On compat", "Loops made", "Pass on asyncio and not on compat")
LOOPS = re.compile(r"^compat loop: (\d+) event loops were made, (\d+) of them compat's", re.MULTILINE)


@dataclass(frozen=True)
class Suite:
    """A library whose tests are run."""

    name: str
    version: str
    arguments: tuple[str, ...] = ()  # of pytest
    slow: bool = False
    # Tests that cannot pass on another loop than asyncio's: a pattern of their names, and why.
    exclusions: dict[str, str] = field(default_factory=dict)


SUITES = [
    # Both are after the option that the authors' own settings of pytest have for pytest-xdist.
    Suite("aiohttp", "3.14.5", ("--override-ini=addopts=", "--aiohttp-fast", "-p", "no:asyncio", "-m",
                                "not dev_mode and not autobahn and not internal", "tests"), slow=True),
    Suite("anyio", "4.16.0", ("-m", "not network", "-k", "not trio and not uvloop"), slow=True),
    Suite("uvicorn", "0.54.0", ("--override-ini=addopts=", "-n", "4", "tests"), slow=True, exclusions={
        r"test_auto_detection::test_loop_auto": "asserts that the loop's class is in a module of asyncio or uvloop",
        r"test_get_loop_factory\[asyncio-_UnixSelectorEventLoop\]": "is named after the loop's class",
    }),
    Suite("starlette", "1.10.0", ("-k", "not trio")),
    Suite("httpx", "0.28.1", ("-k", "not trio", "-m", "not network")),
    Suite("httpcore", "1.0.9", ("-k", "not trio",)),
    Suite("hypercorn", "0.18.0", ("--override-ini=addopts=",)),
    Suite("asyncssh", "2.24.1", (), slow=True),
    Suite("tornado", "6.6.1", ("tornado/test",)),
    Suite("pytest-asyncio", "1.5.0", ("tests",)),
    Suite("janus", "2.0.0", ("--override-ini=addopts=", "tests")),
    Suite("aiofiles", "25.1.0", ("tests",)),
    Suite("aiostream", "0.8.1", ("--override-ini=addopts=", "tests")),
    Suite("aiosqlite", "0.22.1", ("aiosqlite/tests/smoke.py",)),
    Suite("aiosmtpd", "1.4.6", ("aiosmtpd/tests",)),
    Suite("aiocache", "0.12.3", ("--override-ini=addopts=", "-m", "not redis and not memcached", "tests/ut")),
    Suite("aiojobs", "1.4.0", ("--override-ini=addopts=", "tests")),
    Suite("asgiref", "3.13.0", ("tests",)),
    Suite("async-lru", "2.4.0", ("--override-ini=addopts=", "tests")),
    Suite("async-timeout", "5.0.1", ("--override-ini=addopts=", "tests")),
    Suite("aiohappyeyeballs", "2.7.1", ("--override-ini=addopts=", "tests")),
    Suite("tenacity", "9.2.1", ("tests",)),
]
