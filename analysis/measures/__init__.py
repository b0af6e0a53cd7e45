"""Robustness measures: each takes the runs of one seed to one number, so that seeds are independent replicates.

A mode's value is the mean over seeds. Nothing is estimated across seeds first (no mean curve, no common threshold),
so a measure's expectation does not depend on how many seeds there are, a difference between modes is a mean of paired
differences, and the spread over seeds is all that an interval needs. The first measure is the one to judge by.
"""

from __future__ import annotations

import numpy as np

from analysis.measures import curves, runs
from analysis.measures.hidden import is_seen, known_gaps, with_hidden
from analysis.measures.measure import FRACTION, Bar, Measure, Runs
from analysis.statistics.nan_aware import Floats, nan_max

__all__ = ["FRACTION", "MEASURES", "TRIES", "Bar", "Measure", "Runs"]

TRIES = 5
"""Runs of the small search that `expected_best` stands for."""


def _area(r: Runs) -> curves.Measured:
    return curves.over_curves(_areas(r))


def _worst(r: Runs) -> curves.Measured:
    return curves.lowest_curve(_areas(r))


def _areas(r: Runs) -> curves.Measured:
    height = np.where(is_seen(r.accuracy, r.lrs, r.chance), 0.0, r.best[..., None, None] - nan_max(r.accuracy, -1))
    lengths = known_gaps(r.accuracy, r.lrs)
    spanned = lengths.sum(axis=-1).max(axis=(-3, -2, -1), keepdims=True)  # of each mode
    return with_hidden(curves.mean_accuracy(r.accuracy, r.lrs), lengths, height / np.maximum(spanned, 1e-9))


def _decades(r: Runs) -> curves.Measured:
    return curves.over_curves(_widths(r, r.threshold[..., None, None]))


def _own_decades(r: Runs) -> curves.Measured:
    return curves.over_curves(_widths(r, r.own_threshold[..., None, None]))


def _widths(r: Runs, bar: Floats) -> curves.Measured:
    may_hide = ~(is_seen(r.accuracy, r.lrs, r.chance) | curves.reaches(nan_max(r.accuracy, -1), bar))
    measured = curves.trainable_decades(r.accuracy, r.lrs, bar)
    return with_hidden(measured, known_gaps(r.accuracy, r.lrs), may_hide.astype(float))


MEASURES: dict[str, Measure] = {
    "mean_accuracy": Measure(
        lambda r: _area(r).value,
        "area under accuracy over log10 lr, divided by the tested range, mean over inits and gains",
        "accuracy",
        grid=_area,
    ),
    "trainable_decades": Measure(
        lambda r: _decades(r).value,
        "decades of the tested lrs over which accuracy is at least 90 % of the seed's best, mean over inits and gains",
        "decades",
        grid=_decades,
    ),
    "own_decades": Measure(
        lambda r: _own_decades(r).value,
        "decades of the tested lrs over which accuracy is at least 90 % of the mode's own best with the seed",
        "decades",
        grid=_own_decades,
    ),
    "divergence_rate": Measure(
        lambda r: runs.divergence_rate(r.diverged), "share of the runs that diverged", "share", "wilson"
    ),
    "trained_share": Measure(
        lambda r: runs.trained_share(r.accuracy, r.threshold),
        "share of the runs that reach 90 % of the seed's best",
        "share",
    ),
    "lr_sensitivity": Measure(
        lambda r: runs.lr_sensitivity(r.loss, r.initial_loss, r.lrs),
        "learning-rate sensitivity: mean over log10 lr of min(loss, loss at initialization) less the best loss",
        "loss",
    ),
    "interquartile_mean": Measure(
        lambda r: runs.interquartile_mean(r.accuracy), "mean accuracy of the middle half of the runs", "accuracy"
    ),
    "best_accuracy": Measure(
        lambda r: runs.best_accuracy(r.accuracy),
        "best accuracy of any run",
        "accuracy",
        top=lambda r: runs.every_curve(r.accuracy),
    ),
    "expected_best": Measure(
        lambda r: runs.expected_best(r.accuracy, TRIES),
        f"best accuracy to expect of {TRIES} runs drawn from the grid",
        "accuracy",
    ),
    "log10_best_lr": Measure(
        lambda r: runs.log10_best_lr(r.accuracy, r.lrs, r.threshold),
        "log10 of the learning rate that is best for all inits and gains together",
        "decades",
        None,
    ),
    "worst_init": Measure(
        lambda r: _worst(r).value,
        "lowest mean accuracy over log10 lr of any init and gain",
        "accuracy",
        grid=_worst,
        min_inits=2,
    ),
    "trained_inits": Measure(
        lambda r: runs.trained_inits(r.accuracy, r.threshold, r.inits, r.gains),
        "share of the initializations (draws and their scales) that train at the one learning rate best for all",
        "share",
        top=lambda r: runs.mean_curve(r.accuracy),
        min_inits=2,
    ),
    "gain_sensitivity": Measure(
        lambda r: runs.gain_sensitivity(r.accuracy),
        "range over gains of the accuracy at the one learning rate best for all",
        "accuracy",
        None,
        min_gains=2,
    ),
    "tuning_gain": Measure(
        lambda r: runs.tuning_gain(r.accuracy),
        "accuracy gained by tuning lr for each init and gain over the one rate best for all",
        "accuracy",
        None,
        min_inits=2,
    ),
}
"""Every robustness measure by name."""
