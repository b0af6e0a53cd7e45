"""bnsweep: how robust is training to its hyperparameters under each normalization mode, and why?

From a notebook or script: `Sweep`, `plan`, `run` and `load`, each imported when it is first asked for, so that a user's
own module with a `@bnsweep.trial` loads nothing else. `docs/python.md` shows them.
"""

from importlib import import_module

from bnsweep.trial_function import trial

__all__ = ["Outcome", "Sweep", "SweepPlan", "load", "plan", "run", "trial"]
__version__ = "0.1.0"

_PLACES = {
    "Outcome": "bnsweep.api.outcome",
    "Sweep": "bnsweep.spec.sweep",
    "SweepPlan": "bnsweep.api.planning",
    "load": "bnsweep.api.results",
    "plan": "bnsweep.api.planning",
    "run": "bnsweep.api.running",
}


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
