"""Arrays of simulated results as the tables that a sweep leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.claims.evidence import Evidence
from analysis.loading import Results
from analysis.measures.grid import Grid
from analysis.statistics.nan_aware import Floats
from bnsweep.results.schema import METRIC_TABLES, SCHEMAS

CLASSES = 10
CHANCE = 1 / CLASSES


def make_trials(
    accuracy_SNIGL: Floats,
    norms: Sequence[str],
    gains: Sequence[float],
    lrs: Sequence[float],
    diverged_SNIGL: NDArray[np.bool_] | None = None,
    columns: Mapping[str, Floats] | None = None,
) -> pd.DataFrame:
    """Return the table of trials, a row for each accuracy that is not NaN.

    Args:
        accuracy_SNIGL: final test accuracy by seed, mode, init, gain and learning rate.
        norms: the modes.
        gains: the gains.
        lrs: the learning rates.
        diverged_SNIGL: where a run diverged; nowhere if None.
        columns: further columns by name, of the same shape.
    """
    inits = [f"init {k}" for k in range(accuracy_SNIGL.shape[2])]
    there = np.isfinite(accuracy_SNIGL)
    s, n, i, g, lr = np.nonzero(there)
    status = np.full(len(s), "completed") if diverged_SNIGL is None else diverged_SNIGL[there]
    return pd.DataFrame(
        {
            "trial_key": np.flatnonzero(there).astype(str),
            "seed": s,
            "norm": _named(n, norms),
            "init": _named(i, inits),
            "init_gain": np.asarray(gains)[g],
            "lr": np.asarray(lrs)[lr],
            "test_acc": accuracy_SNIGL[there],
            "test_loss": 1 - accuracy_SNIGL[there],
            "status": status if diverged_SNIGL is None else np.where(status, "diverged", "completed"),
            "num_classes": CLASSES,
            "spec": "{}",
            **{name: values[there] for name, values in (columns or {}).items()},
        }
    )


def _named(positions: NDArray[np.intp], names: Sequence[str]) -> pd.Categorical:
    return pd.Categorical(np.asarray(names, dtype=object)[positions], list(names), ordered=True)


def make_results(trials: pd.DataFrame, **tables: pd.DataFrame) -> Results:
    """Return these trials and tables of measurements as `analysis.load` would; tables that are not given are empty."""
    measured: dict[str, Any] = _no_tables() | tables
    return Results("simulated", trials, **measured, undeclared=trials[:0], missing=(), declared=None)


@cache
def _no_tables() -> dict[str, pd.DataFrame]:
    return {name: SCHEMAS[name].empty_table().to_pandas() for name in (*METRIC_TABLES, "failures")}


def first_seeds(evidence: Evidence, count: int) -> Evidence:
    """Return what there was when so many seeds were done."""
    grid, seeds = evidence.grid, evidence.grid.seeds[:count]
    arrays = ("accuracy", "diverged", "loss", "initial_loss", "best", "best_of_any")
    parts = {name: getattr(grid, name)[:count] for name in arrays}
    fewer = Grid(seeds, grid.norms, grid.inits, grid.gains, grid.lrs, chance=grid.chance, **parts)
    return replace(evidence, grid=fewer)
