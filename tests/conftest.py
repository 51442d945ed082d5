"""For all tests: Ctrl-C is what it is in a terminal, also where the tests run with SIGINT ignored (`nohup make test &`)."""

from __future__ import annotations

import signal

# A program that a test starts inherits that a signal is ignored. Of a handler it inherits nothing but that it is not.
signal.signal(signal.SIGINT, signal.default_int_handler)
