"""How near `edges` comes to the edges of the whole grid, at what share of its trials, and what its intervals hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from analysis.measures.edges import Edge, edge
from analysis.statistics.nan_aware import Floats
from benchmarks.search.worlds import FRACTION, SIDES, Drawn, Simulated, Stored, World, bars
from benchmarks.verdicts.tally import share
from bnsweep.search import Edges, Space, ask
from bnsweep.search.bisection import interval_levels

SEEDS = 6
"""The fewest that give an interval with two ends."""
HEAD = (
    "world | rates | coarse | bisected | trials of the grid | as the whole grid has them | within a spacing | "
    "interval holds the truth | its width in decades | open | largest not sharp"
)


@dataclass
class Count:
    """What became of the edges of some replays."""

    trials: list[float] = field(default_factory=list)
    same: int = 0
    within: int = 0
    total: int = 0
    covered: int = 0
    with_truth: int = 0
    open: int = 0
    largest: int = 0
    not_sharp: int = 0
    widths: list[float] = field(default_factory=list)

    def add(self, found: Edge, whole: Edge, rates: list[float], truth: Floats) -> None:
        """Count one edge: as it was found, as the whole grid of these seeds has it, and between what it truly is."""
        self.total += 1
        self.same += (found.trains, found.beyond) == (whole.trains, whole.beyond) or _is_nowhere(found, whole)
        self.within += _is_nowhere(found, whole) or _distance(found, whole, rates) <= 1
        if found.side == "largest":
            self.largest += 1
            self.not_sharp += not found.is_sharp
        if np.isnan(truth).any():
            return
        self.with_truth += 1
        with np.errstate(divide="ignore"):
            low, high = np.log10([found.low, found.high])
        self.covered += bool(low <= truth[0] + 1e-5 and truth[1] - 1e-5 <= high)  # rates have six digits
        self.open += not np.isfinite(high - low)
        if np.isfinite(high - low):
            self.widths.append(high - low)

    def columns(self) -> list[str]:
        """Return what was counted, as shares with their standard errors."""
        width = f"{np.median(self.widths):.3f}" if self.widths else "none"
        return [
            f"{100 * np.mean(self.trials):.1f} %",
            *(share(count, self.total) for count in (self.same, self.within)),
            share(self.covered, self.with_truth),
            width,
            share(self.open, self.with_truth),
            share(self.not_sharp, self.largest),
        ]


def _is_nowhere(found: Edge, whole: Edge) -> bool:
    return bool(np.isnan(found.trains) and np.isnan(whole.trains))


def _distance(found: Edge, whole: Edge, rates: list[float]) -> float:
    """Return how many spacings two edges are apart."""
    if np.isnan(found.trains) or np.isnan(whole.trains):
        return np.inf
    return abs(rates.index(found.trains) - rates.index(whole.trains))


def edge_lines(repeats: int, seed: int, stored: Stored | None, only: str = "") -> Iterator[str]:
    """Yield the table."""
    yield HEAD
    if stored and stored.num_seeds == 1:
        yield from _lines(stored, 9, 1, np.random.default_rng(seed), 1)
        return
    worlds: list[tuple[World, int]] = [(stored, 6)] if stored else []
    for num_rates, num_first in ((21, 6), (1025, 9)):
        worlds += [
            (Simulated("sharp edges", num_rates, 0.05), num_first),
            (Simulated("scattered edges", num_rates, 0.25), num_first),
            (Simulated("skewed edges", num_rates, 0.25, edge_skew=True), num_first),
            (Simulated("an island above", num_rates, 0.05, island=True), num_first),
            (Simulated("fractal above", num_rates, 0.05, fractal=True), num_first),
        ]
    for world, num_first in (one for one in worlds if only in one[0].name):
        yield from _lines(world, num_first, repeats, np.random.default_rng(seed), SEEDS)


def _lines(world: World, num_first: int, repeats: int, rng: np.random.Generator, num_seeds: int) -> Iterator[str]:
    for bisected, levels in (("edge", (0.5,)), ("and interval", interval_levels(SEEDS))):
        if num_seeds >= SEEDS or bisected == "edge":
            count = replays(world, num_first, levels, repeats, rng, num_seeds)
            yield " | ".join([world.name, str(len(world.rates)), str(num_first), bisected, *count.columns()])


def replays(
    world: World,
    num_first: int,
    levels: Sequence[float],
    repeats: int,
    rng: np.random.Generator,
    num_seeds: int = SEEDS,
) -> Count:
    """Search in so many draws of seeds, and count."""
    rates, truths, count = world.rates, {side: world.truth(side) for side in SIDES}, Count()
    for _ in range(repeats):
        drawn = world.draw(rng, num_seeds)
        tested = searched(drawn, num_first, levels)
        count.trials.append(float((~np.isnan(tested)).mean()))
        found_bars, whole_bars = bars(tested), bars(drawn.worth)
        for n, g in np.ndindex(tested.shape[:2]):
            for side in SIDES:
                found = edge(tested[n, g], rates, found_bars[n], side)
                whole = edge(drawn.worth[n, g], rates, whole_bars[n], side)
                count.add(found, whole, rates, truths[side][n, g])
    return count


def searched(drawn: Drawn, num_first: int, levels: Sequence[float]) -> Floats:
    """Return what a search runs of these trials, shape NGSL; NaN where it did not."""
    modes, gains, seeds, _ = drawn.worth.shape
    space = Space({"norm": range(modes), "init_gain": range(gains)}, {}, range(seeds))
    search = Edges(space, drawn.rates, num_first, levels=levels, fraction=FRACTION)
    tested = np.full(drawn.worth.shape, np.nan)
    for one_round in ask(search, drawn, drawn.place).history:
        for setting, outcome in one_round:
            tested[drawn.place(setting)] = outcome.worth
    return tested
