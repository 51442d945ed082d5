# make test                      types and tests, with python3
# PYTHON=python3.12 make test    the same with another Python (3.11 or newer)
# make test-native               only the tests of the kernel and of the native library
# make conformance               CPython's own tests of asyncio, on the loop, futures and tasks of compat
# make ecosystem                 real libraries against real servers, and test suites of theirs, on the loop of compat
# make browser                   movies and timelines in a headless Chromium, which has to be installed
# make bench                     measure everything against every peer there is: more than an hour on a quiet machine
# make bench-smoke               show in a minute that the benchmarks work; the figures mean nothing
# make movies                    make the movies in docs/movies again
# make explore                   programs, published bugs, and CPython's own tests of asyncio, under many schedules in simulation
# make fuzz SECONDS=600          random programs: on asyncio's loop and on compat's, compared; on the kernel, checked for what must always hold

PYTHON ?= python3
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null)

# python3 has .venv, and any other its own, so that testing with several does not build each anew every time. The stamp
# has the version in its name: when `python3` comes to mean another Python, its environment is made again.
VENV := .venv$(if $(filter-out python3,$(PYTHON)),-$(VERSION))
STAMP := $(VENV)/ready-$(VERSION)
CHECKED := kernel compat examples tests benchmarks docs

# The peers have an environment of their own: tests are not to find them.
BENCH_VENV := $(VENV)-bench
BENCH_STAMP := $(BENCH_VENV)/ready-$(VERSION)

ECOSYSTEM_VENV := $(VENV)-ecosystem
ECOSYSTEM_STAMP := $(ECOSYSTEM_VENV)/ready-$(VERSION)

BROWSER_VENV := $(VENV)-browser
BROWSER_STAMP := $(BROWSER_VENV)/ready-$(VERSION)

# Each kind of work once.
SMOKE := scheduling 'echo-*-1KiB-100' echo-udp-1KiB-50 echo-pipe-1KiB sendfile subprocess programs applications cost crowd-10000

# Tests in other folders that need a browser.
IN_BROWSER := tests/kernel/recordings/test_timelines_in_perfetto.py

.PHONY: test test-native conformance explore fuzz ecosystem browser movies bench bench-smoke clean \
	environment ecosystem-environment browser-environment

environment: $(STAMP)
ecosystem-environment: $(ECOSYSTEM_STAMP)
browser-environment: $(BROWSER_STAMP)

test: $(STAMP)
	$(VENV)/bin/python -m mypy --strict $(CHECKED)
	$(VENV)/bin/python -m pytest -q
	@if $(VENV)/bin/python -c 'import test.test_asyncio' 2>/dev/null; then $(MAKE) --no-print-directory conformance; \
	else echo "CPython's own tests are not installed with this Python: the conformance run is left out"; fi

test-native: $(STAMP)
	$(VENV)/bin/python -m pytest -q tests/kernel

conformance: $(STAMP)
	$(VENV)/bin/python -m tests.conformance

explore: $(STAMP)
	EXPLORE=1 $(VENV)/bin/python -m pytest -q tests/sim tests/examples/test_explore.py tests/examples/test_raft.py
	$(VENV)/bin/python -m tests.sim.corpus
	$(VENV)/bin/python -m tests.conformance.explored

fuzz: SECONDS := 60
fuzz: $(STAMP)
	$(VENV)/bin/python -m tests.fuzz --seconds $(SECONDS)

ecosystem: $(ECOSYSTEM_STAMP)
	$(ECOSYSTEM_VENV)/bin/python -m pytest -q tests/ecosystem tests/sim/test_stacks.py
	$(ECOSYSTEM_VENV)/bin/python -m tests.ecosystem.suites --quick

browser: $(BROWSER_STAMP)
	BROWSER_TESTS=1 $(BROWSER_VENV)/bin/python -m pytest -q tests/browser $(IN_BROWSER)

movies: $(STAMP)
	$(VENV)/bin/python -m docs.movies.make

bench: $(BENCH_STAMP)
	$(BENCH_VENV)/bin/python -m benchmarks all --write

bench-smoke: $(STAMP)
	$(VENV)/bin/python -m benchmarks $(SMOKE) --quick --rounds 1 --against asyncio --write $(VENV)/bench-smoke
	$(VENV)/bin/python -m benchmarks.insight --quick --rounds 1
	$(VENV)/bin/python -m benchmarks.simulated --runs 1 --messages 500 --hour 10
	$(VENV)/bin/python -m benchmarks.recordings --quick --rounds 1

$(BENCH_STAMP): pyproject.toml
	$(PYTHON) -m venv --clear $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip install --quiet --editable '.[bench]'
	touch $@

$(ECOSYSTEM_STAMP): pyproject.toml tests/ecosystem/requirements.txt
	$(PYTHON) -m venv --clear $(ECOSYSTEM_VENV)
	$(ECOSYSTEM_VENV)/bin/python -m pip install --quiet --editable '.[dev]' --requirement tests/ecosystem/requirements.txt
	touch $@

$(BROWSER_STAMP): pyproject.toml
	$(PYTHON) -m venv --clear $(BROWSER_VENV)
	$(BROWSER_VENV)/bin/python -m pip install --quiet --editable '.[browser,dev]'
	touch $@

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) does not run, or is older than Python 3.11: try PYTHON=python3.13 make test" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' || \
		{ echo "$(PYTHON) cannot make virtual environments: install its venv package (python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(VENV)/bin/python -m pip install --quiet --editable '.[dev]'
	touch $@

clean:
	rm -rf .venv .venv-* .mypy_cache .pytest_cache *.egg-info build dist
