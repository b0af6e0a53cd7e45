"""Does advice keep what it promises? After a pilot of five seeds, take it, and see how often that resolves.

What is promised is to resolve a difference as large as the pilot saw. For one that is known to be smaller, and was seen
so large by chance, nothing can be promised: such lines have no goal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from analysis.statistics.intervals import CONFIDENCE
from analysis.statistics.nan_aware import Floats
from analysis.statistics.power import POWER
from analysis.statistics.seed_mean import SeedMean
from benchmarks.verdicts.plateaus import HIGH, LOW, World
from benchmarks.verdicts.robustness import STATEMENTS, sweep
from benchmarks.verdicts.tally import Line, Tally, Truth

PILOT = 5
DIFFERENCES = (-2.0, 3.0)
"""In decades, all as likely: of a difference that was seen, what is true is then as likely more as less."""
EFFECTS = (0.5, 1.0, 1.5)
SEEDS, SPACING = re.compile(r"about (\d+) seeds"), re.compile(r"rates ([\d.e+-]+) decades apart")
MAX_RATES = 129
RANGE = STATEMENTS["lr_range"]


def advice_lines(repeats: int, seed: int, named: str = "") -> Iterator[Line]:
    """Take the advice on seeds, for effects in standard deviations, and on spacing, for decades."""
    for effect in EFFECTS if named in "normal seeds" else ():
        rng, seen, as_is = np.random.default_rng([seed, int(10 * effect)]), Tally(), Tally()
        for _ in range(10 * repeats):
            _take_seeds(rng, effect, seen, as_is)
        where = ("normal seeds", f"{effect:+.3f}", "", f"{PILOT}, then as told")
        yield Line((*where, "difference as seen"), seen, POWER)
        yield Line((*where, "difference as it is"), as_is)
    for wider in (*EFFECTS, None) if named in "Gaussian" else ():
        rng, tally = np.random.default_rng([seed, int(10 * (wider or 0)), 1]), Tally()
        for _ in range(repeats if wider else 4 * repeats):
            true = rng.uniform(*DIFFERENCES) if wider is None else wider
            _take_spacing(rng, World(wider=true), tally)
        truth = f"{DIFFERENCES[0]:+g} to {DIFFERENCES[1]:+g}" if wider is None else f"{wider:+.3f}"
        yield Line(
            ("Gaussian", truth, "5, then as told", f"{PILOT}", "lr_range"), tally, POWER if wider is None else None
        )


def _take_seeds(rng: np.random.Generator, effect: float, seen: Tally, as_is: Tally) -> None:
    """Add as many seeds as advised: of the difference that the pilot saw, and of that which is true."""
    pilot = rng.normal(effect, 1.0, size=PILOT)
    estimate = _seed_mean(pilot)
    told = SEEDS.search(estimate.advice(0.0, CONFIDENCE))
    if RANGE.verdict(*estimate.interval(CONFIDENCE)) != "unresolved" or told is None:
        return
    more = rng.normal(size=int(told[1]) - PILOT)
    for tally, mean in ((seen, estimate.value), (as_is, effect)):
        all_seeds = np.append(pilot, mean + more)
        tally.add(RANGE, _seed_mean(all_seeds * np.sign(mean)).interval(CONFIDENCE), Truth(abs(mean)))


def _seed_mean(by_seed: Floats) -> SeedMean:
    return SeedMean(by_seed, by_seed, by_seed, by_seed, np.zeros_like(by_seed))


def _take_spacing(rng: np.random.Generator, world: World, tally: Tally) -> None:
    """Test the same seeds at rates as close as advised."""
    curves = world.curves(rng, PILOT, 1.0)
    estimate = RANGE.effect(sweep(world, rng, curves, 5))
    told = SPACING.search(estimate.advice(0.0, CONFIDENCE))
    if RANGE.verdict(*estimate.interval(CONFIDENCE)) != "unresolved" or told is None:
        return
    rates = min(int(np.ceil((HIGH - LOW) / float(told[1]))) + 1, MAX_RATES)
    tally.add(RANGE, RANGE.effect(sweep(world, rng, curves, rates)).interval(CONFIDENCE), Truth(world.wider))
