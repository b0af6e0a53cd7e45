"""Statements on what the probes measure: a contrast of two modes over the cells where both learn.

What is true is the mean over seeds, over the inits and gains of the sweep, and over the range of rates where both
learn. What differs from cell to cell or rate to rate without being smooth averages to nothing there. What is smooth
over the rates does not: with it, and with gains that differ, the truth is of each sweep its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from analysis.claims import CLAIMS
from analysis.claims.evidence import Evidence, gather_evidence
from analysis.statistics.nan_aware import Floats
from benchmarks.verdicts.looks import SEEDS, count_looks, new_tallies
from benchmarks.verdicts.tables import CHANCE, make_results, make_trials
from benchmarks.verdicts.tally import Line, Truth

RATES = (5, 9, 17)
GAINS = (0.5, 1.0, 2.0)
DENSER = 8
"""So many times as dense as the tested rates are those over which the truth is taken."""
LEARNED = 1.6
"""Decades of learning rate where both modes learn, of 4."""
STATEMENTS = {"flatness": CLAIMS["flat"].statements["flatness"]}


@dataclass(frozen=True)
class Contrasts:
    """Contrasts (log10 ratios) of known mean over cells and seeds.

    Args:
        effect: the true mean.
        cell_sd: of the true contrast from cell to cell, each for itself.
        rate_sd: the same from learning rate to learning rate, alike for all gains, each for itself.
        smooth_sd: the same, but neighbouring rates are alike, over about a decade.
        gain_sd: from gain to gain, alike for all rates.
        seed_sd: from seed to seed, alike for all cells.
        run_sd: of single trials.
        present: how often a cell has learned with a seed.
        gains: how many.
        decades: of learning rate where both modes learn.
    """

    effect: float = 0.0
    cell_sd: float = 0.2
    rate_sd: float = 0.0
    smooth_sd: float = 0.0
    gain_sd: float = 0.0
    seed_sd: float = 0.05
    run_sd: float = 0.1
    present: float = 1.0
    gains: int = 3
    decades: float = LEARNED

    def sweep(self, rng: np.random.Generator, seeds: int, rates: int) -> tuple[Evidence, Truth]:
        """Draw a sweep of two modes, and what is true of its inits and gains over the range where both learn."""
        dense = np.linspace(-3, 1, (rates - 1) * DENSER + 1)
        inside = np.abs(dense + 1) <= self.decades / 2 + 1e-9
        true = self.effect + self._of_rates(rng, dense) + self.gain_sd * rng.normal(size=(self.gains, 1))
        shape = (seeds, 1, self.gains, rates)
        contrast = (
            true[:, ::DENSER] + self.rate_sd * rng.normal(size=rates) + self.seed_sd * rng.normal(size=(seeds, 1, 1, 1))
        )
        contrast = contrast + self.cell_sd * rng.normal(size=shape[1:]) + self.run_sd * rng.normal(size=shape)
        learned = inside[::DENSER] & (rng.random(shape) < self.present)
        accuracy = np.stack([np.where(learned, 0.9, CHANCE), np.full(shape, 0.9)], axis=1)
        sharpness = np.stack([np.ones(shape), 10**contrast], axis=1)
        gains, lrs = GAINS[: self.gains], list(10 ** dense[::DENSER])
        trials = make_trials(accuracy, ("none", "batch"), gains, lrs, columns={"adaptive_sharpness": sharpness})
        return gather_evidence(make_results(trials)), Truth(float(true[:, inside].mean()))

    def _of_rates(self, rng: np.random.Generator, log_lr: Floats) -> Floats:
        """Return what differs smoothly from rate to rate: waves of two to eight decades."""
        waves = 2 * np.pi * rng.uniform(1 / 8, 1 / 2, size=(8, 1))
        phases = rng.uniform(0, 2 * np.pi, size=(8, 1))
        return np.asarray(self.smooth_sd * np.sin(waves * log_lr + phases).sum(axis=0) / 2)


WORLDS: dict[str, Contrasts] = {
    "cells differ": Contrasts(),
    "cells differ, seeds hardly": Contrasts(run_sd=0.01, seed_sd=0.005),
    "seeds differ, cells do not": Contrasts(cell_sd=0.0, seed_sd=0.2),
    "few cells: one gain": Contrasts(gains=1),
    "cells appear with some seeds": Contrasts(present=0.5),
    "few cells appear with some seeds": Contrasts(present=0.3, gains=1),
    "rates differ, gains alike": Contrasts(cell_sd=0.05, rate_sd=0.2),
    "gains differ, rates alike": Contrasts(cell_sd=0.05, gain_sd=0.2),
    "neighbouring rates alike": Contrasts(cell_sd=0.05, smooth_sd=0.2),
}


def contrast_lines(repeats: int, seed: int, named: str = "") -> Iterator[Line]:
    """Judge the worlds so named with no effect, and with one of half a decade."""
    for k, (name, world) in enumerate(WORLDS.items()):
        for effect in (0.0, -0.5):
            for rates in RATES if named in name else ():
                rng, tallies = np.random.default_rng([seed, k, rates, effect < 0]), new_tallies(STATEMENTS)
                for _ in range(repeats):
                    evidence, truth = replace(world, effect=effect).sweep(rng, max(SEEDS), rates)
                    count_looks(tallies, evidence, STATEMENTS, dict.fromkeys(STATEMENTS, truth))
                for (seeds, key), tally in tallies.items():
                    yield Line((name, f"{effect:+.3f}", str(rates), seeds, key), tally)
