"""Robustness measures: each takes the runs of one seed to one number, so that seeds are independent replicates.

A mode's value is the mean over seeds. Nothing is estimated across seeds first (no mean curve, no common threshold),
so a measure's expectation does not depend on how many seeds there are, a difference between modes is a mean of paired
differences, and the spread over seeds is all that an interval needs.
"""

from __future__ import annotations

from analysis.measures import curves, runs
from analysis.measures.measure import FRACTION, Measure, Runs
from analysis.statistics.nan_aware import Floats, nan_mean

__all__ = ["FRACTION", "MEASURES", "Measure", "Runs"]


def _over_curves(per_curve: Floats) -> Floats:
    return nan_mean(per_curve, (-2, -1))


def _decades(r: Runs) -> Floats:
    return _over_curves(curves.trainable_decades(r.accuracy, r.lrs, r.threshold[..., None, None]))


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
        lambda r: runs.trained_share(r.accuracy, r.threshold),
        "share of the runs that reach 90 % of the seed's best",
        "share",
    ),
    "interquartile_mean": Measure(
        lambda r: runs.interquartile_mean(r.accuracy), "mean accuracy of the middle half of the runs", "accuracy"
    ),
    "best_accuracy": Measure(lambda r: runs.best_accuracy(r.accuracy), "best accuracy of any run", "accuracy"),
    "log10_best_lr": Measure(
        lambda r: runs.log10_best_lr(r.accuracy, r.lrs, r.threshold),
        "log10 of the learning rate that is best for all inits and gains together",
        "decades",
        None,
    ),
    "worst_init": Measure(
        lambda r: runs.worst_init(r.accuracy, r.lrs),
        "lowest mean accuracy over log10 lr of any init and gain",
        "accuracy",
        None,
        min_inits=2,
    ),
    "trained_inits": Measure(
        lambda r: runs.trained_inits(r.accuracy, r.threshold),
        "share of the inits and gains that train at the one learning rate best for all",
        "share",
        min_inits=2,
    ),
    "gain_sensitivity": Measure(
        lambda r: runs.gain_sensitivity(r.accuracy),
        "range over gains of the accuracy at the one learning rate best for all",
        "accuracy",
        None,
        min_gains=2,
    ),
}
"""Every robustness measure by name."""
