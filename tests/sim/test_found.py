"""What exploring has found in current releases of libraries shows on asyncio's own loop, without this project.

The releases are installed for this. So these tests run with EXPLORE=1 only, which `make explore` sets.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.paths import ROOT
from tests.support.releases import NotInstalled, install

FOUND = {
    "aiosmtplib_reply_of_another": ("aiosmtplib==5.1.3", "is eve there? 250 bob@example.org"),
    "aiostream_swallows": ("aiostream==0.8.1", "the limit of 1 s was lost; it took 3.0 s"),
    "anyio_condition_without_lock": ("anyio==4.16.0", "RuntimeError('The current task is not holding this lock')"),
    "anyio_group_loses_time_limit": ("anyio==4.16.0", "no TimeoutError after"),
    "anyio_receive_loses": ("anyio==4.16.0", "left in the stream: 0 items (1 was sent, none was received)"),
    "anyio_send_cancelled_but_sent": ("anyio==4.16.0", "received: ['item', 'item']"),
    "anyio_unix_receive_cancelled": ("anyio==4.16.0", "told: InvalidStateError('invalid state')"),
    "async_lru_drops_newer_call": ("async-lru==2.4.0", "calls that ran at the same time after the first had ended: 2"),
    "nats_next_msg_loses": ("nats-py==2.16.0", "came: 1 received: 0 left: 0"),
    "tornado_lock_lost": ("tornado==6.6.1", "nobody has the lock, and nobody can get it: <Lock"),
}

pytestmark = [pytest.mark.timeout(300),
              pytest.mark.skipif(os.environ.get("EXPLORE") != "1", reason="EXPLORE=1 is not set")]


@pytest.mark.parametrize("name", FOUND)
def test_it_shows_on_asyncio_s_own_loop(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    requirement, shown = FOUND[name]
    releases = tmp_path_factory.getbasetemp() / "releases"
    releases.mkdir(exist_ok=True)
    try:
        library = install(requirement, releases)
    except NotInstalled as reason:
        pytest.skip(str(reason))
    done = subprocess.run([sys.executable, ROOT / "tests" / "sim" / "found" / f"{name}.py"], capture_output=True,
                          text=True, timeout=60, env={"PYTHONPATH": str(library)})
    assert done.returncode == 0, done.stderr
    assert shown in done.stdout


def test_each_script_is_run() -> None:
    scripts = {path.stem for path in (ROOT / "tests" / "sim" / "found").glob("*.py")} - {"__init__"}
    assert scripts == set(FOUND)
