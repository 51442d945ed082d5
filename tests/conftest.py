"""For all tests: Ctrl-C and Ctrl-\\ are what they are in a terminal, also where the tests run with these signals ignored
(`nohup make test &`).
"""

from __future__ import annotations

import signal

# A program that a test starts ignores the signals that the tests ignore. A signal that has a handler here, it does not.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
