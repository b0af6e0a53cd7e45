"""Many synthetic sweeps at once, of known truth, for simulations of coverage.

Accuracy over log10 lr is a plateau between two edges with flanks beside it, and chance above a third edge, where runs
diverge. The edges and the height of each mode differ from seed to seed, half of it in the same way for every mode, as
pairing by seed supposes; every run has noise of its own, and some fail whatever their learning rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.measures import FRACTION, Runs
from analysis.measures.curves import threshold
from analysis.statistics.nan_aware import Floats

CHANCE = 0.1
INITIAL_LOSS = 2.3
LRS = [float(lr) for lr in np.logspace(-3, 1, 9)]
GAINS = np.log10([0.5, 1.0, 2.0])
RAMP = 1.2
EDGES = np.array([[-1.2, -0.4, 0.1], [-2.1, 0.2, 0.8], [-2.0, 0.3, 0.8], [-1.9, -0.1, 0.4]])
"""Lower edge, upper edge, divergence, in log10 lr, by mode; the first is the baseline."""
PEAKS = np.array([0.93, 0.97, 0.96, 0.95])
DEPENDS_ON_GAIN = np.array([1.0, 0.2, 0.2, 0.5])


@dataclass(frozen=True)
class Truth:
    """How far seeds differ: in their edges (decades), heights (accuracy) and single runs; and how often a run fails."""

    edge_sd: float
    peak_sd: float
    run_sd: float
    failures: float = 0.0

    def sweeps(self, rng: np.random.Generator, count: int, num_seeds: int, lrs: Sequence[float] = LRS) -> Runs:
        """Return `count` sweeps; arrays of shape (count, num_modes, num_seeds, 1, num_gains, num_lrs)."""
        modes, log_lr = len(PEAKS), np.log10(lrs)
        by_mode = (modes, 1, 1, 1, 1)

        def effect(sd: float) -> Floats:
            shared = rng.normal(size=(count, 1, num_seeds, 1, 1, 1))
            own = rng.normal(size=(count, modes, num_seeds, 1, 1, 1))
            return np.asarray(sd * np.sqrt(0.5) * (shared + own))

        shift = GAINS[:, None] * DEPENDS_ON_GAIN.reshape(by_mode)
        low, high, lost = (EDGES[:, k].reshape(by_mode) + effect(self.edge_sd) - shift for k in range(3))
        outside = np.maximum(np.maximum(low - log_lr, log_lr - high), 0)
        peak = PEAKS.reshape(by_mode) + effect(self.peak_sd)
        accuracy = CHANCE + (peak - CHANCE) * np.maximum(0, 1 - outside / RAMP)
        accuracy = accuracy + self.run_sd * rng.normal(size=accuracy.shape)
        diverged = (log_lr > lost) | (rng.random(accuracy.shape) < self.failures)
        accuracy = np.clip(np.where(diverged, CHANCE, accuracy), 0, 1)
        best, own = (accuracy.max(axis=axes) for axes in ((1, 3, 4, 5), (3, 4, 5)))
        loss = np.where(diverged, np.inf, 2 * (1 - accuracy))
        return Runs(
            accuracy,
            diverged.astype(float),
            list(lrs),
            threshold(best, CHANCE, FRACTION)[:, None],
            threshold(own, CHANCE, FRACTION),
            best[:, None],
            CHANCE,
            loss,
            np.full_like(loss, INITIAL_LOSS),
            ["default"],
            [float(gain) for gain in 10**GAINS],
        )


TRUTHS = {
    "seeds alike": Truth(0.05, 0.005, 0.005),
    "seeds differ": Truth(0.15, 0.01, 0.01),
    "one run in fifty fails": Truth(0.15, 0.01, 0.01, 0.02),
    "one run in ten fails": Truth(0.15, 0.01, 0.01, 0.1),
}
