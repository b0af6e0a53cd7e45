"""Statements on whether a probe goes with accuracy: rank correlations over the configurations or over the modes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr

from analysis.claims import CLAIMS
from analysis.claims.evidence import Evidence, gather_evidence
from analysis.claims.statement import Statement
from analysis.statistics.nan_aware import Floats
from benchmarks.verdicts.looks import SEEDS, count_looks, new_tallies
from benchmarks.verdicts.tables import make_results, make_trials
from benchmarks.verdicts.tally import Line, Truth

COUNTS = (3, 5, 10)
"""After so many seeds a look is taken: a look at each takes too long."""
SMOOTHNESS, ICS = "smoothness", "ics"


@dataclass(frozen=True)
class Relations:
    """Two probes and the accuracy of every trial, as sums of normal parts; only ranks matter.

    Args:
        shape: modes, inits, gains and learning rates.
        ics: the true rank correlation of low ICS with accuracy; smoothness is independent of it.
        cell: how much of each is a cell's own.
        smooth: how much is so over the learning rates that neighbouring ones are alike.
        unit: how much is an init and gain's, alike for all modes and rates.
        gain: how much is a gain's, alike for all inits.
        mode: how much is a mode's.
        seed: how much single seeds differ.
    """

    shape: tuple[int, int, int, int] = (2, 4, 4, 5)
    ics: float = 0.0
    cell: float = 0.0
    smooth: float = 0.0
    unit: float = 0.0
    gain: float = 0.0
    mode: float = 0.0
    seed: float = 0.05

    def sweep(self, rng: np.random.Generator, seeds: int) -> Evidence:
        """Draw a sweep."""
        accuracy, smoothness, other = (self._field(rng) for _ in range(3))
        r = 2 * np.sin(np.pi * self.ics / 6)  # Pearson's, of a normal pair of this rank correlation
        fields = {"accuracy": accuracy, SMOOTHNESS: smoothness, ICS: -r * accuracy + np.sqrt(1 - r**2) * other}
        drawn = {name: one + self.seed * rng.normal(size=(seeds, *one.shape)) for name, one in fields.items()}
        norms, gains = [f"mode {n}" for n in range(self.shape[0])], list(10 ** np.linspace(-1, 1, self.shape[2]))
        lrs = list(10 ** np.linspace(-2, 0, self.shape[3]))
        values = {name: drawn[name] for name in (SMOOTHNESS, ICS)}
        trials = make_trials(0.4 + 0.5 * ndtr(drawn["accuracy"] / 3), norms, gains, lrs, columns=values)
        rows = trials[["trial_key"]].assign(step=0, grad_norm=1.0)
        landscape = rows.assign(given_as="lr_multiple", grad_diff_l2=10 ** trials[SMOOTHNESS])
        ics = rows.assign(layer=1, ics_l2=10 ** trials[ICS])
        return gather_evidence(make_results(trials, landscape=pd.DataFrame(landscape), ics=pd.DataFrame(ics)))

    def _field(self, rng: np.random.Generator) -> Floats:
        modes, inits, gains, rates = self.shape
        places = np.linspace(0, 2, rates)
        alike = np.linalg.cholesky(np.exp(-((places[:, None] - places) ** 2) / 2) + 1e-9 * np.eye(rates))
        return np.asarray(
            self.cell * rng.normal(size=self.shape)
            + self.smooth * rng.normal(size=self.shape) @ alike.T
            + self.unit * rng.normal(size=(1, inits, gains, 1))
            + self.gain * rng.normal(size=(1, 1, gains, 1))
            + self.mode * rng.normal(size=(modes, 1, 1, 1))
        )


ACROSS = (11, 1, 3, 3)
MANY = (2, 20, 10, 3)
"""So many units that an equivalence within 0.2 can be had."""

WORLDS: dict[str, tuple[str, Relations]] = {
    "cells independent": ("within", Relations(cell=1.0)),
    "cells smooth over lr": ("within", Relations(smooth=1.0)),
    "cells alike in all modes and rates": ("within", Relations(unit=1.0)),
    "seeds differ more than cells": ("within", Relations(unit=1.0, seed=2.0)),
    "modes differ": ("within", Relations(cell=0.5, unit=0.5, mode=2.0)),
    "gains differ, inits alike": ("within", Relations(cell=0.3, gain=1.0)),
    "modes differ, 11 of them": ("across", Relations(ACROSS, mode=1.0, cell=0.1)),
    "cells differ, 11 modes": ("across", Relations(ACROSS, cell=1.0)),
    "200 cells independent": ("within", Relations(MANY, cell=1.0)),
    "200 cells, ICS at 0.2": ("within", Relations(MANY, cell=1.0, ics=0.2)),
    "200 cells, ICS at 0.2, alike": ("within", Relations(MANY, unit=1.0, ics=0.2)),
    "200 cells, ICS at -0.3, alike": ("within", Relations(MANY, unit=1.0, ics=-0.3)),
}


def correlation_lines(repeats: int, seed: int, named: str = "") -> Iterator[Line]:
    """Judge the worlds so named after 3, 5 and 10 seeds."""
    for k, (name, (which, world)) in enumerate(WORLDS.items()):
        if named not in name:
            continue
        rng, statements = np.random.default_rng([seed, k]), _statements(which)
        truths = dict(zip(statements, map(Truth, (0.0, world.ics, -world.ics)), strict=True))
        tallies = new_tallies(statements)
        for _ in range(repeats):
            count_looks(tallies, world.sweep(rng, max(SEEDS)), statements, truths, COUNTS)
        for (seeds, key), tally in tallies.items():
            yield Line((name, f"{truths[key].value:+.3f}", str(world.shape[3]), seeds, key), tally)


def _statements(which: str) -> dict[str, Statement]:
    keys = (f"smoothness_{which}", f"ics_{which}", f"smoothness_over_ics_{which}")
    found = CLAIMS[f"predicts_{which}"].statements | CLAIMS["predicts_more"].statements
    return {key: found[key] for key in keys}
