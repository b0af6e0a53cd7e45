"""Grids made from arrays."""

from __future__ import annotations

import numpy as np

from analysis.measures.grid import Grid
from analysis.statistics.nan_aware import Floats, nan_max

CHANCE = 0.1
NORMS = ["none", "batch", "l1"]


def grid_of(accuracy_SNIGL: Floats, lrs: list[float], initial_loss: float = np.nan) -> Grid:
    """Return the grid of these accuracies: what is at chance has diverged, and a loss is 1 - accuracy."""
    seeds, norms, inits, gains, _ = accuracy_SNIGL.shape
    diverged = np.where(np.isnan(accuracy_SNIGL), np.nan, accuracy_SNIGL == CHANCE)
    best = np.nan_to_num(nan_max(accuracy_SNIGL, (2, 3, 4)))
    return Grid(
        seeds=list(range(seeds)),
        norms=NORMS[:norms],
        inits=[f"init {i}" for i in range(inits)],
        gains=[2.0**g for g in range(gains)],
        lrs=lrs,
        accuracy=accuracy_SNIGL,
        diverged=diverged,
        loss=np.where(diverged == 1, np.inf, 1 - accuracy_SNIGL),
        initial_loss=np.full_like(accuracy_SNIGL, initial_loss),
        chance=CHANCE,
        best=best,
        best_of_any=best.max(axis=1),
    )
