"""Statements on robustness: a measure of one mode against another's, over 5, 9 and 17 learning rates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from analysis.claims import CLAIMS
from analysis.claims.evidence import Evidence, gather_evidence
from analysis.claims.measure_difference import MeasureDifference
from analysis.claims.statement import Statement
from analysis.measures import MEASURES
from analysis.measures.comparison import of_difference
from analysis.measures.grid import Grid
from analysis.measures.pooling import pool_all
from analysis.statistics.intervals import seed_sd
from analysis.statistics.nan_aware import Floats, nan_mean
from analysis.statistics.seed_mean import SeedMean
from benchmarks.verdicts.looks import SEEDS, Tallies, count_looks, new_tallies
from benchmarks.verdicts.plateaus import (
    GAINS,
    HIGH,
    LOW,
    NORMS,
    Curves,
    World,
    heavy_tailed,
    lr_grid,
    skewed,
)
from benchmarks.verdicts.tables import CHANCE, make_results, make_trials
from benchmarks.verdicts.tally import Line, Truth

RATES = (5, 9, 17)
POWER, POWER_AT = 0.9, ("17", "5", "lr_range")
WITH_POWER = ("Gaussian", "skewed", "heavy-tailed", "the same, seeds vary")
"""Worlds in which edges differ by 0.1 decades from seed to seed and no runs fail or are missing."""
DENSE = np.linspace(LOW, HIGH, 161)
TRUE_SWEEPS, TRUE_SEEDS = 40, 60
STATEMENTS: dict[str, Statement] = {
    key: CLAIMS[claim].statements[key]
    for claim, key in (
        ("lr_range", "lr_area"),
        ("lr_range", "lr_range"),
        ("init_range", "init_range"),
        ("noisy", "noisy_accuracy"),
    )
}
EFFECTS = {key: one.effect for key, one in STATEMENTS.items() if isinstance(one.effect, MeasureDifference)}

WORLDS: dict[str, World] = {
    "Gaussian": World(),
    "skewed": World(draw=skewed),
    "heavy-tailed": World(draw=heavy_tailed),
    "saturated": World(peak=0.998, round_to=1 / 360),
    "edges of batch vary 8 times more": World(edge_sd=(0.05, 0.4, 0.4)),
    "2 % of runs fail": World(failures=(0.02, 0.02, 0.02)),
    "10 % of runs fail": World(failures=(0.1, 0.1, 0.1)),
    "10 % of seeds fail": World(dead=(0.1, 0.1, 0.1)),
    "5 % missing": World(missing=0.05, lone_mode=True),
    "20 % missing": World(missing=0.2, lone_mode=True),
    "plateaus half a spacing apart": World(
        edge_sd=(0.02, 0.02, 0.02), own_sd=0.01, ramp=0.05, by_gain=0.0, shift=0.5, spare=0.5
    ),
    "the same, seeds vary": World(own_sd=0.01, ramp=0.05, by_gain=0.0, shift=0.5, spare=0.5),
    **{
        f"plateaus of {width} decades": World(
            width=width, edge_sd=(0.02, 0.02, 0.02), own_sd=0.01, by_gain=0.0, ramp=0.05
        )
        for width in (0.1, 0.2, 0.3, 0.4)
    },
    "plateaus in a gap": World(width=1.0, edge_sd=(0.02, 0.02, 0.02), own_sd=0.01, by_gain=0.0, ramp=0.05, gap=2.0),
    "plateaus over a gap's edge": World(width=1.5, own_sd=0.01, by_gain=0.0, gap=2.0),
    "seeds alike": World(edge_sd=(0.0, 0.0, 0.0), own_sd=0.0, run_sd=0.0, round_to=0.01),
}
PERFECT = World(width=-2.0, wider=9.0, edge_sd=(0.0, 0.0, 0.0), run_sd=0.0, peak=1.0, round_to=0.01)
EXTREMES: dict[str, World] = {
    "perfect effect": PERFECT,
    "perfect but for one run in 200": replace(PERFECT, failures=(0.0, 0.005, 0.005)),
    "rare failures of batch alone": World(dead=(0.0, 0.1, 0.1), wider=1.2 / 0.9 - 1.2),
}
"""Worlds whose effect is part of them."""


def robustness_lines(repeats: int, seed: int, named: str = "") -> Iterator[Line]:
    """Judge the worlds so named at every number of rates: modes of equal width, and one decade apart."""
    cases = [(name, replace(world, wider=wider), wider) for name, world in WORLDS.items() for wider in (0.0, 1.0)]
    cases += [(name, world, world.wider) for name, world in EXTREMES.items()]
    for k, (name, world, wider) in enumerate(cases):
        for rates in RATES if named in name else ():
            sweeps = min(TRUE_SWEEPS, max(repeats, 4))
            truths = true_effects(world, rates, np.random.default_rng([seed, k, rates, 0]), sweeps)
            tallies = _judged(world, rates, truths, repeats, np.random.default_rng([seed, k, rates, 1]))
            for (seeds, key), tally in tallies.items():
                is_asked = wider == 1 and name in WITH_POWER and (str(rates), seeds, key) == POWER_AT
                power = POWER if is_asked else None
                yield Line((name, f"{truths[key].value:+.3f}", str(rates), seeds, key), tally, power)


def _judged(world: World, rates: int, truths: dict[str, Truth], repeats: int, rng: np.random.Generator) -> Tallies:
    tallies = new_tallies(STATEMENTS)
    for _ in range(repeats):
        curves = world.curves(rng, max(SEEDS), (HIGH - LOW) / (rates - 1))
        count_looks(tallies, sweep(world, rng, curves, rates), STATEMENTS, truths)
    return tallies


def sweep(world: World, rng: np.random.Generator, curves: Curves, rates: int) -> Evidence:
    """Test so many rates, as what the statements are judged by."""
    log_lr = lr_grid(rates, world.gap)
    accuracy, diverged = curves.accuracy(rng, log_lr)
    accuracy = np.where(rng.random(accuracy.shape) < world.missing, np.nan, accuracy)
    norms: tuple[str, ...] = NORMS
    if world.lone_mode:
        lone = np.full_like(accuracy[:, :1], np.nan)
        lone[0, 0, 0, 0, rates // 2] = 0.5
        accuracy, norms = np.concatenate([accuracy, lone], axis=1), (*NORMS, "layer")
        diverged = np.concatenate([diverged, np.zeros(lone.shape, dtype=bool)], axis=1)
    return gather_evidence(make_results(make_trials(accuracy, norms, GAINS, list(10**log_lr), diverged)))


def true_effects(world: World, rates: int, rng: np.random.Generator, sweeps: int = TRUE_SWEEPS) -> dict[str, Truth]:
    """Return the true effect of each statement.

    Of measures about all rates in the range, that at dense rates, at the bar that each seed has at the tested ones; of
    those about the tested rates, the mean over seeds there.
    """
    values: dict[str, list[Floats]] = {key: [] for key in STATEMENTS}
    for _ in range(sweeps):
        for key, found in _true_values(replace(world, missing=0.0, lone_mode=False), rates, rng).items():
            values[key].append(found.by_seed)
    means = {key: np.array([float(nan_mean(one, 0)) for one in found]) for key, found in values.items()}
    return {key: Truth(float(one.mean()), float(seed_sd(one)) / np.sqrt(len(one))) for key, one in means.items()}


def _true_values(world: World, rates: int, rng: np.random.Generator) -> dict[str, SeedMean]:
    log_lr = lr_grid(rates, world.gap)
    curves = world.curves(rng, TRUE_SEEDS, log_lr[1] - log_lr[0])

    tested, dense = (_grid(curves.accuracy(rng, places)[0], places) for places in (log_lr, DENSE))
    dense = replace(dense, best=tested.best, best_of_any=tested.best_of_any)
    return {key: _difference(dense if MEASURES[one.measure].grid else tested, one) for key, one in EFFECTS.items()}


def _difference(grid: Grid, effect: MeasureDifference) -> SeedMean:
    found = of_difference(grid, effect.mode, effect.baseline, pool_all(grid), names=[effect.measure])
    return found[effect.measure][1]


def _grid(accuracy: Floats, log_lr: Floats) -> Grid:
    """Return the grid without the way by tables, which is too long for so many runs."""
    best, seeds = accuracy.max(axis=(2, 3, 4)), list(range(len(accuracy)))
    none = np.full_like(accuracy, np.nan)
    arrays = (accuracy, none, none, none, CHANCE, best, best.max(axis=1))
    return Grid(seeds, list(NORMS), ["init 0"], list(GAINS), list(10**log_lr), *arrays)
