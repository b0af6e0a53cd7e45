"""Robustness measures: each takes the runs of one seed to one number, so that seeds are independent replicates.

A mode's value is the mean over seeds. Nothing is estimated across seeds first (no mean curve, no common bar), so a
measure's expectation does not depend on how many seeds there are, a difference between modes is a mean of paired
differences, and the spread over seeds is all that an interval needs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log10
from typing import Literal

from analysis.grid import Floats
from analysis.known import known_mean
from analysis.robustness import curves, runs

FRACTION = 0.9
"""A run trains from this fraction of the best accuracy that any mode reaches anywhere with the same seed."""


@dataclass(frozen=True)
class Runs:
    """The runs of some inits and gains, of every seed.

    Shape suffixes: S seeds, I inits, G gains, L learning rates; '...' any leading axes, such as modes.
    """

    accuracy: Floats
    """Shape (..., S, I, G, L), diverged runs at chance; NaN where there is no result."""
    diverged: Floats
    """1 or 0, the same shape."""
    lrs: list[float]
    bar: Floats
    """The accuracy from which on a run trains, by seed; shape (..., S) or one that broadcasts to it."""


@dataclass(frozen=True)
class Measure:
    """A robustness measure, as a function of `Runs` to an array of shape (..., S).

    `interval` says what its interval is: "t" over seeds, "wilson" over runs, or None where no method was found that
    covers: rare failures skew a minimum or range over inits, and the best learning rate is one of the few tested.
    """

    compute: Callable[[Runs], Floats]
    meaning: str
    unit: str
    interval: Literal["t", "wilson"] | None = "t"
    fewest_inits: int = 1
    fewest_gains: int = 1

    def most(self, lrs: list[float]) -> float:
        """Return the most that the measure can be, at least 0; between it and minus it every difference lies.

        An interval that reaches further is cut there, which takes no possible truth from it.
        """
        return log10(lrs[-1] / lrs[0]) if self.unit == "decades" else 1.0


def _over_curves(per_curve: Floats) -> Floats:
    return known_mean(per_curve, (-2, -1))


def _decades(r: Runs) -> Floats:
    return _over_curves(curves.trainable_decades(r.accuracy, r.lrs, r.bar[..., None, None]))


MEASURES: dict[str, Measure] = {
    "trainable_decades": Measure(
        _decades,
        "decades of learning rate over which accuracy is at least 90 % of the seed's best, mean over inits and gains",
        "decades",
    ),
    "mean_accuracy": Measure(
        lambda r: _over_curves(curves.mean_accuracy(r.accuracy, r.lrs)),
        "area under accuracy over log10 lr, divided by the tested range, mean over inits and gains",
        "accuracy",
    ),
    "divergence_rate": Measure(
        lambda r: runs.divergence_rate(r.diverged), "share of the runs that diverged", "share", "wilson"
    ),
    "trained_share": Measure(
        lambda r: runs.trained_share(r.accuracy, r.bar),
        "share of the runs that reach 90 % of the seed's best",
        "share",
    ),
    "interquartile_mean": Measure(
        lambda r: runs.interquartile_mean(r.accuracy), "mean accuracy of the middle half of the runs", "accuracy"
    ),
    "best_accuracy": Measure(lambda r: runs.best_accuracy(r.accuracy), "best accuracy of any run", "accuracy"),
    "log10_best_lr": Measure(
        lambda r: runs.log10_best_lr(r.accuracy, r.lrs, r.bar),
        "log10 of the learning rate that is best for all inits and gains together",
        "decades",
        None,
    ),
    "worst_init": Measure(
        lambda r: runs.worst_init(r.accuracy, r.lrs),
        "lowest mean accuracy over log10 lr of any init and gain",
        "accuracy",
        None,
        fewest_inits=2,
    ),
    "trained_inits": Measure(
        lambda r: runs.trained_inits(r.accuracy, r.bar),
        "share of the inits and gains that train at the one learning rate best for all",
        "share",
        fewest_inits=2,
    ),
    "gain_sensitivity": Measure(
        lambda r: runs.gain_sensitivity(r.accuracy),
        "range over gains of the accuracy at the one learning rate best for all",
        "accuracy",
        None,
        fewest_gains=2,
    ),
}
"""Every robustness measure by name."""
