"""What is declared of a search beside its trials: how far it is, and which learning rates all modes have."""

from __future__ import annotations

from typing import Any

from bnsweep.running.searching import RATE, Asked
from bnsweep.search.bisection import coarse
from bnsweep.spec.grid import Grid
from bnsweep.spec.sweep import Sweep


def search_state(sweep: Sweep, found: Asked) -> dict[str, Any]:
    """Return what `_sweep.json` says of a search; `sweep` is as its file declares it."""
    return {
        "name": sweep.search.label,
        "num_rounds": found.num_rounds,
        "end": found.end,
        "common_lrs": _common_lrs(sweep),
    }


def _common_lrs(sweep: Sweep) -> list[float] | None:
    """Return the rates with which all modes begin; None where a search adds none to them."""
    if sweep.search.name != "edges" or not isinstance(sweep.trials, Grid):
        return None
    rates = sorted(sweep.trials.product.axes[RATE])
    return [rates[k] for k in coarse(len(rates), sweep.search.first)]
