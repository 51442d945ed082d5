"""Exploring: a program run under schedules that a real machine may give it, in simulation.

The kernel is the one that runs programs in production. Only its devices are others: they ask `choices` how long a step
takes, and let time pass accordingly. Read `choices.py` first, then `devices.py`, `runs.py` and `exploring.py`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .claims import always, eventually, sometimes
    from .determinism import Nondeterministic
    from .devices import EndlessRun
    from .exploring import Report
    from .failures import KINDS, Failed, Failure
    from .native import check_determinism, explore, simulate
    from .refusals import Unsimulated
    from .runs import Settings
    from .strategies import STRATEGIES
    from .tapes import Deviation, Misfit, Tape, load
    from . import world

__all__ = ["Deviation", "EndlessRun", "Failed", "Failure", "KINDS", "Misfit", "Nondeterministic", "Report",
           "STRATEGIES", "Settings", "Tape", "Unsimulated", "always", "check_determinism", "eventually", "explore",
           "load", "simulate", "sometimes", "world"]

# Loaded at the first use of a name, as the names of `kernel` are: a program that claims something need not simulate.
_LATER = {"claims": "always eventually sometimes", "determinism": "Nondeterministic", "devices": "EndlessRun",
          "exploring": "Report", "failures": "Failed Failure KINDS", "native": "check_determinism explore simulate",
          "refusals": "Unsimulated", "runs": "Settings", "strategies": "STRATEGIES",
          "tapes": "Deviation Misfit Tape load"}

if not TYPE_CHECKING:
    def __getattr__(name):
        for module, names in _LATER.items():
            if name in names.split():
                value = getattr(__import__(f"{__name__}.{module}", fromlist=[name]), name)
                return globals().setdefault(name, value)  # another thread may have set it meanwhile
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        return sorted({*globals(), *__all__})
