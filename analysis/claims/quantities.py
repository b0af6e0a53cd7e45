"""What the probes say of each trial, as one number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.claims.stepwise import STEPWISE, along_gradient, log10_size
from analysis.loading import Results
from analysis.loading.one_line import one_line
from bnsweep.errors import InputError

SPIKE = 0.95
"""The quantile over steps that stands for the spikes: the largest would grow with the number of steps."""


@dataclass(frozen=True, repr=False)
class Quantity:
    """A number per trial: `of` returns it by trial_key; sizes as log10, so that modes compare by their ratio."""

    of: Callable[[Results], pd.Series[float]]
    meaning: str
    unit: str = "log10 ratio"

    __repr__ = one_line


def _some(values: pd.Series[float], name: str) -> pd.Series[float]:
    if values.empty:
        raise InputError(f"no trial has a measurement of {name}")
    return values


def _column(results: Results, name: str) -> pd.Series[float]:
    trials = results.trials
    if name not in trials:
        raise InputError(f"no trial has a measurement of {name}")
    return _some(trials.set_index("trial_key")[name].astype(float).dropna(), name)


def _median_over_steps(name: str) -> Callable[[Results], pd.Series[float]]:
    def of(results: Results) -> pd.Series[float]:
        rows = STEPWISE[name].of(results)
        return _some(rows["value"].groupby(rows["trial_key"]).median(), STEPWISE[name].table)

    return of


def _beta_spikes(results: Results) -> pd.Series[float]:
    """Return log10 of the 95 % quantile over steps of the largest beta, over its median."""
    rows = along_gradient(results)
    beta = rows["beta"].where(np.isfinite(rows["beta"]), np.inf)
    by_step = beta.groupby([rows["trial_key"], rows["step"]]).max().groupby(level=0)
    # 'lower' interpolates nothing, so that one infinite step among many leaves the quantile finite.
    return log10_size(_some(by_step.quantile(SPIKE, interpolation="lower") / by_step.median(), "landscape"))


def _activation_shift(results: Results) -> pd.Series[float]:
    """Return log10 of the median over steps and layers of how far mean and std moved, in standard deviations."""
    rows = results.moments.dropna(subset=["mean_shift", "std_shift"])
    moved = np.hypot(rows["mean_shift"], rows["std_shift"]) / rows["std"].where(rows["std"] > 0)
    moved = moved.where(np.isfinite(moved) | moved.isna(), np.inf)
    return log10_size(_some(moved.groupby(rows["trial_key"]).median().dropna(), "moments"))


def _gap(results: Results) -> pd.Series[float]:
    test, train = _column(results, "test_loss"), _column(results, "train_loss_eval")
    return _some((test - train).dropna(), "train_loss_eval")


QUANTITIES: dict[str, Quantity] = {
    "gradient_change": Quantity(
        _median_over_steps("gradient_change"), f"median over steps of the {STEPWISE['gradient_change'].meaning}"
    ),
    "relative_ics": Quantity(
        _median_over_steps("relative_ics"), f"median over steps of the {STEPWISE['relative_ics'].meaning}"
    ),
    "ics_cosine": Quantity(
        _median_over_steps("ics_cosine"), f"median over steps of the {STEPWISE['ics_cosine'].meaning}", "cosine"
    ),
    "beta_spikes": Quantity(_beta_spikes, "95 % quantile over steps of the effective beta, over its median"),
    "activation_shift": Quantity(
        _activation_shift,
        "how far mean and std of the activations move from one measurement to the next, in their std",
    ),
    "adaptive_sharpness": Quantity(
        lambda results: log10_size(_column(results, "adaptive_sharpness")),
        "largest eigenvalue of |w| H |w| at the end, in eval mode: rescaling the weights leaves it alone",
    ),
    "generalization_gap": Quantity(_gap, "test loss minus training loss at the end, both in eval mode", "loss"),
}
"""Every quantity of a trial by name."""
